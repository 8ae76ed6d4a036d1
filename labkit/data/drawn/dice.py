"""Random numbers that are the same on every machine: integer arithmetic on an image's number.

Each image has a 64-bit key made from (seed, split, index), and its k-th random number is a hash
of the key and k. So an image does not depend on how many others are drawn with it, nor on the
version of a random number generator: 64-bit integers wrap around in the same way everywhere.
The hash is SplitMix64 (Steele, Lea and Flood, "Fast splittable pseudorandom number generators",
OOPSLA 2014).
"""

import numpy as np

_GOLDEN = 0x9E3779B97F4A7C15
_WORD = 2**64 - 1


def scramble(words: np.ndarray) -> np.ndarray:
    """Return the SplitMix64 hash of each uint64, same shape."""
    words = (words ^ (words >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    words = (words ^ (words >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return words ^ (words >> np.uint64(31))


def keys(seed: int, split: int, indices: np.ndarray) -> np.ndarray:
    """Return one uint64 key [N] for each image number in ``indices``."""
    start = np.array([seed * _GOLDEN + split & _WORD], dtype=np.uint64)
    return scramble(scramble(start) + np.asarray(indices, dtype=np.uint64))


class Dice:
    """The dice of N images: each throw gives one number per image, float32 ``[N, 1, 1, 1]``.

    ``stream`` keeps the throws for different purposes apart, so that one more throw for the
    background changes nothing in the foreground.
    """

    def __init__(self, image_keys: np.ndarray, stream: int):
        self.keys = scramble(image_keys ^ np.uint64(stream))
        self.thrown = 0

    def words(self, count: int = 1) -> np.ndarray:
        """Throw ``count`` 64-bit words per image: uint64 ``[N, count]``."""
        numbers = np.arange(self.thrown + 1, self.thrown + 1 + count, dtype=np.uint64)
        self.thrown += count
        return scramble(self.keys[:, None] + numbers * np.uint64(_GOLDEN))

    def fractions(self, count: int) -> np.ndarray:
        """Throw ``count`` numbers in [0, 1) per image: float32 ``[N, count]``, 24 bits each."""
        return (self.words(count) >> np.uint64(40)).astype(np.float32) * np.float32(2**-24)

    def between(self, low: float, high: float) -> np.ndarray:
        """Throw a number between two bounds."""
        return low + (high - low) * self.fractions(1)[:, :, None, None]

    def chance(self, probability: float) -> np.ndarray:
        """Throw 1 with this probability, else 0."""
        return (self.between(0, 1) < probability).astype(np.float32)

    def sign(self) -> np.ndarray:
        """Throw 1 or -1."""
        return 1 - 2 * self.chance(0.5)

    def choose(self, count) -> np.ndarray:
        """Throw a number from 0 to ``count`` - 1, ``count`` an int or int64 [N]: int64 ``[N]``."""
        share = (self.words()[:, 0] >> np.uint64(32)) * np.asarray(count, dtype=np.uint64)
        return (share >> np.uint64(32)).astype(np.int64)

    def colour(self, palette, jitter: float = 0.08) -> np.ndarray:
        """Throw a colour of the palette, a little off: float32 ``[N, 3, 1, 1]`` near 0..1."""
        chosen = np.asarray(palette, dtype=np.float32)[self.choose(len(palette))]
        off = (self.fractions(3) - 0.5) * (2 * jitter)
        return (chosen + off)[:, :, None, None]
