"""Redraw the pictures of `images/` and the sentences that say what to see in them.

`python images/draw` redraws all, `python images/draw cnn.gif loss.gif` some of them.
"""

import json
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from draw import PICTURES, SCREENSHOTS

IMAGES = Path(__file__).resolve().parents[1]


def main(names: list[str], folder: Path = IMAGES) -> None:
    """Draw the pictures ``names`` (none: all) into ``folder`` and update its ``alt.json``."""
    listing = folder / "alt.json"
    known = json.loads(listing.read_text(encoding="utf-8")) if listing.exists() else {}
    for name in names or PICTURES:
        picture = PICTURES[name]()
        picture.save(folder / name)
        known[name] = picture.alt
        print(f"{name}: {picture.alt}")
    known |= {name: alt for name, alt in SCREENSHOTS.items() if (folder / name).exists()}
    alts = {name: known[name] for name in [*PICTURES, *SCREENSHOTS] if name in known}
    text = json.dumps(alts, indent=2, ensure_ascii=False)
    listing.write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
