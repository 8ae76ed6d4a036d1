"""Catalogues: what each sentence of a notebook is in another language, and ``labkit.mo``."""

from pathlib import Path

from babel.messages import pofile

from labkit.files import replace
from labkit.text import LOCALES, compiled


def path_of(code: str, name: str) -> Path:
    """Return the catalogue of a notebook or page, e.g. ``03_cnn``."""
    return LOCALES / code / "notebooks" / f"{name}.po"


def prose(code: str, name: str) -> dict[str, str]:
    """Return the translation of each piece of a notebook or page that has one."""
    path = path_of(code, name)
    if not path.exists():
        return {}
    with path.open("rb") as file:
        found = pofile.read_po(file)
    known = (message for message in found if message.id and not message.fuzzy)
    return {str(message.id): str(message.string) for message in known if message.string}


def build(code: str) -> None:
    """Write ``labkit.mo`` where ``labkit.po`` is newer, or leave it where nothing may be written.

    Without it, `labkit.text` reads the ``.po``, which takes longer.
    """
    source = LOCALES / code / "LC_MESSAGES" / "labkit.po"
    target = source.with_suffix(".mo")
    if not source.exists():
        return
    if not target.exists() or target.stat().st_mtime < source.stat().st_mtime:
        try:
            replace(target, compiled(source))
        except OSError:
            pass
