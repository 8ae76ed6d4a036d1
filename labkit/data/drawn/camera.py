"""From an image's number to its pixels: scene, subject, what stands before it, light, camera."""

import numpy as np

from labkit.data.drawn import birds_and_frogs, mammals, scenes, vehicles
from labkit.data.drawn.dice import Dice, scramble
from labkit.data.drawn.palettes import BARKS, COATS, GREENS, LEAVES, PAINTS, STONES
from labkit.data.drawn.pen import Pen

# How hard the images are. Trained on 10,000 of them, the original recipe (labkit.model.Net,
# batch 4) got 58 to 70 % of 2,000 others right after two epochs (five runs), 86 % after five and
# 89 % after ten (one run); three small convolutions with batch normalisation and augmentation got
# 97 % after eight. Animals are taken for each other far more than vehicles, a dog mostly for a cat.
AT_HOME = 0.75  # share of images with a background that suits the class; the others have any
SIZE = (0.7, 1.05)  # half the subject's width, where half the image's is 1
DRIFT = 0.15  # how far from the middle the subject may be
TURN = 0.12  # radians either way
LEAN = 0.15  # shear either way
SHADING = 0.35  # how much darker the subject is on the side away from the light
CLUTTER = 2  # things that may lie about behind the subject, each in half of the images
COVERED = 0.25  # share of images in which something stands before the subject
BRIGHTNESS = (0.75, 1.2)
CONTRAST = (0.9, 1.3)
CAST = 0.12  # how far one colour channel may be off the others
BLUR = 0.8  # at most, where 1 is the kernel 1-2-1
NOISE = (0.01, 0.07)  # the largest noise in a pixel, as a share of white

# Streams of random numbers, one for each purpose
PLACE, VIEW, SCENERY, SUBJECT, FRONT, CAMERA = range(1, 7)

SUBJECTS = {
    "airplane": (vehicles.airliner, vehicles.plane_from_below),
    "automobile": (vehicles.car_from_the_side, vehicles.car_from_the_front),
    "bird": (birds_and_frogs.perching_bird, birds_and_frogs.flying_bird, birds_and_frogs.duck),
    "cat": (mammals.walking_cat, mammals.sitting_cat, mammals.cat_portrait),
    "deer": (mammals.standing_deer, mammals.deer_portrait),
    "dog": (mammals.walking_dog, mammals.sitting_dog, mammals.dog_portrait),
    "frog": (birds_and_frogs.sitting_frog, birds_and_frogs.smiling_frog),
    "horse": (mammals.standing_horse, mammals.horse_portrait),
    "ship": (vehicles.steamer, vehicles.freighter, vehicles.sailing_boat),
    "truck": (vehicles.lorry, vehicles.tipper, vehicles.truck_from_the_front),
}
HOMES = {
    "airplane": (scenes.sky, scenes.sky, scenes.plain),
    "automobile": (scenes.road, scenes.road, scenes.yard),
    "bird": (scenes.sky, scenes.foliage, scenes.meadow, scenes.pond),
    "cat": (scenes.room, scenes.room, scenes.yard, scenes.foliage),
    "deer": (scenes.meadow, scenes.forest, scenes.plain),
    "dog": (scenes.room, scenes.meadow, scenes.yard, scenes.plain),
    "frog": (scenes.pond, scenes.foliage, scenes.plain),
    "horse": (scenes.meadow, scenes.plain, scenes.forest),
    "ship": (scenes.sea, scenes.sea, scenes.pond),
    "truck": (scenes.road, scenes.road, scenes.plain),
}
CLASSES = tuple(SUBJECTS)


def develop(image_keys: np.ndarray, labels: np.ndarray, size: int = 32) -> np.ndarray:
    """Draw the images with these keys [N] and labels [N]: uint8 ``[N, size, size, 3]``."""
    canvas = np.empty((len(labels), 3, size, size), dtype=np.float32)
    for scene, chosen in _groups(_scenes(image_keys, labels)):
        part = np.empty((len(chosen), *canvas.shape[1:]), dtype=np.float32)
        dice = Dice(image_keys[chosen], SCENERY)
        scene(Pen(part), dice)
        _clutter(Pen(part), dice)
        canvas[chosen] = part
    for subject, chosen in _groups(_subjects(image_keys, labels)):
        part = canvas[chosen]
        _portray(Pen(part), Dice(image_keys[chosen], SUBJECT), subject)
        canvas[chosen] = part
    for start in range(0, len(labels), 64):
        part, chosen = canvas[start : start + 64], image_keys[start : start + 64]
        _cover(Pen(part), Dice(chosen, FRONT))
        part[...] = _expose(part, Dice(chosen, CAMERA))
    return (np.clip(canvas, 0, 1) * 255 + 0.5).astype(np.uint8).transpose(0, 2, 3, 1)


def _groups(choices):
    """Yield each distinct choice with the positions where it was made."""
    for choice in dict.fromkeys(choices):
        yield choice, np.flatnonzero([other == choice for other in choices])


def _scenes(image_keys: np.ndarray, labels: np.ndarray) -> list:
    dice = Dice(image_keys, PLACE)
    homes = _one_of_each(dice, [HOMES[CLASSES[label]] for label in labels])
    others = _one_of_each(dice, [scenes.SCENES] * len(labels))
    at_home = dice.chance(AT_HOME).ravel()
    return [
        home if here else other for here, home, other in zip(at_home, homes, others, strict=True)
    ]


def _subjects(image_keys: np.ndarray, labels: np.ndarray) -> list:
    return _one_of_each(Dice(image_keys, VIEW), [SUBJECTS[CLASSES[label]] for label in labels])


def _one_of_each(dice: Dice, options: list[tuple]) -> list:
    chosen = dice.choose([len(some) for some in options])
    return [some[number] for some, number in zip(options, chosen, strict=True)]


def _clutter(pen: Pen, dice: Dice) -> None:
    for _ in range(CLUTTER):
        x, y = dice.between(-1, 1), dice.between(-1, 0.6)
        wide, high = dice.between(0.06, 0.3), dice.between(0.06, 0.3)
        colour = dice.colour(PAINTS + COATS)
        pen.paint(colour, pen.oval(x, y, wide, high), opacity=dice.chance(0.5) * 0.8)


def _portray(pen: Pen, dice: Dice, subject) -> None:
    """Paint the subject somewhere near the middle, lit from above and one side."""
    pen.light = 1 + SHADING * (dice.between(-0.6, 0.6) * pen.x + dice.between(0.2, 1) * pen.y)
    pen.light = pen.light * dice.between(0.75, 1.1)
    pen = pen.at(
        dice.between(-DRIFT, DRIFT),
        dice.between(-DRIFT, DRIFT),
        turn=dice.between(-TURN, TURN),
        grow=dice.between(*SIZE),
        flip=dice.sign(),
        lean=dice.between(-LEAN, LEAN),
    )
    subject(pen, dice)


def _cover(pen: Pen, dice: Dice) -> None:
    """Let a post or a bush stand before the subject in some images."""
    post, bush = dice.chance(COVERED / 2), dice.chance(COVERED / 2)
    x, lean, thick = dice.between(-1, 1), dice.between(-0.6, 0.6), dice.between(0.03, 0.1)
    pen.paint(dice.colour(BARKS + STONES), pen.limb(x, -1.2, x + lean, 1.2, thick), opacity=post)
    x, wide, high = dice.between(-1, 1), dice.between(0.3, 0.7), dice.between(0.2, 0.6)
    pen.paint(dice.colour(LEAVES + GREENS), pen.oval(x, -1, wide, high), opacity=bush)


def _expose(canvas: np.ndarray, dice: Dice) -> np.ndarray:
    """Return the image as a cheap camera sees it: exposure, colour cast, blur and noise."""
    level, contrast = dice.between(*BRIGHTNESS), dice.between(*CONTRAST)
    cast = 1 + (dice.fractions(3)[:, :, None, None] - 0.5) * (2 * CAST)
    canvas = (canvas - 0.5) * (contrast * level * cast) + 0.5 * level
    soft = dice.between(0, BLUR) / 4
    for axis in (2, 3):
        canvas = canvas + soft * _unlike_neighbours(canvas, axis)
    return canvas + dice.between(*NOISE) * _noise(canvas.shape, dice)


def _unlike_neighbours(canvas: np.ndarray, axis: int) -> np.ndarray:
    """Return the second difference along an axis, the border repeated."""
    size = canvas.shape[axis]
    before = np.maximum(np.arange(size) - 1, 0)
    after = np.minimum(np.arange(size) + 1, size - 1)
    return canvas.take(before, axis) + canvas.take(after, axis) - 2 * canvas


def _noise(shape, dice: Dice) -> np.ndarray:
    """Return noise from -1 to 1, mostly near 0: the difference of two 10-bit numbers."""
    count, channels, height, width = shape
    pixels = scramble(dice.words(1) + np.arange(height * width, dtype=np.uint64))
    noise = np.empty((count, channels, height * width), dtype=np.float32)
    for channel in range(channels):
        bits = (pixels >> np.uint64(20 * channel)).astype(np.int32)
        noise[:, channel] = (bits & 1023) - ((bits >> 10) & 1023)
    return (noise * np.float32(1 / 1024)).reshape(shape)
