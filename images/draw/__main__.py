"""Redraw the images in `images/` and the sentences that say what to see in them.

`python images/draw` redraws all, `python images/draw cnn.gif loss.gif` some of them: each in
English, and in every other language what has words in it, into a folder of that language.
"""

import json
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from draw import PICTURES, SCREENSHOTS, WORDLESS
from labkit.text import LANGUAGES, catalogue, speaking

IMAGES = Path(__file__).resolve().parents[1]
WORDS = "words.json"
"""In the folder of a language: what was written into each image, as the catalogue had it."""


def main(names: list[str], folder: Path = IMAGES) -> None:
    """Draw the images ``names`` (none: all) into ``folder`` and update its ``alt.json``."""
    listing = folder / "alt.json"
    known = json.loads(listing.read_text(encoding="utf-8")) if listing.exists() else {}
    for name in names or PICTURES:
        with speaking("en"):
            picture = PICTURES[name]()
        picture.save(folder / name)
        known[name] = picture.alt
        print(f"{name}: {picture.alt}")
    known |= {name: alt for name, alt in SCREENSHOTS.items() if (folder / name).exists()}
    alts = {name: known[name] for name in [*PICTURES, *SCREENSHOTS] if name in known}
    _write(listing, alts)


def translate(code: str, names: list[str], folder: Path) -> None:
    """Draw the images ``names`` (none: all that have words) in a language into ``folder``."""
    folder.mkdir(exist_ok=True)
    listing, sentences = folder / WORDS, catalogue(code)
    known = json.loads(listing.read_text(encoding="utf-8")) if listing.exists() else {}
    look = sentences.gettext
    for name in [name for name in names or PICTURES if name not in WORDLESS]:
        said: dict[str, str] = {}

        def noted(message: str, said: dict[str, str] = said) -> str:
            return said.setdefault(message, look(message))

        sentences.gettext = noted
        with speaking(code):
            PICTURES[name]().save(folder / name)
        known[name] = dict(sorted(said.items()))
    sentences.gettext = look
    _write(listing, {name: known[name] for name in PICTURES if name in known})


def _write(path: Path, content: dict) -> None:
    text = json.dumps(content, indent=2, ensure_ascii=False)
    path.write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
    for code in [code for code in LANGUAGES if code != "en"]:
        translate(code, sys.argv[1:], IMAGES / code)
