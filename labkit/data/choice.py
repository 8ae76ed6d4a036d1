"""Which data source to use: the argument, else LABKIT_DATA, else the choice saved by 00_setup."""

import os
from pathlib import Path
from typing import NamedTuple

from labkit.data.store import DataError
from labkit.files import own_folder, replace
from labkit.text import _

NAMES = ("auto", "cifar10", "drawn")

_AROUND = " \"'\r\n\t"
"""Characters around a copied path that do not belong to it."""


class Choice(NamedTuple):
    """The source to use, "auto", "cifar10", "drawn" or a folder, and a sentence that says why."""

    source: str | Path
    why: str


def chosen(source: str | os.PathLike | None = None) -> Choice:
    """Return the source that ``load`` would use: the first that is given of ``source``,
    LABKIT_DATA, the choice saved by ``choose``, and "auto".

    Raise ``DataError`` where it is neither a source nor a path.
    """
    if source is not None:
        return Choice(_known(source), _("It was passed to load()."))
    if named := os.environ.get("LABKIT_DATA"):
        return Choice(_known(named), _("The environment variable LABKIT_DATA says so."))
    if saved := _saved():
        return Choice(_known(saved), _("You chose it in 00_setup ({file}).").format(file=file()))
    return Choice("auto", _("Nothing else was chosen."))


def choose(source: str | os.PathLike) -> Choice:
    """Save the source for all notebooks of this user; return what ``load`` will use now.

    That is another source where LABKIT_DATA is set, which overrides the saved choice. Raise
    ``DataError`` where the choice cannot be saved.
    """
    known = _known(source)
    text = str(known.resolve() if isinstance(known, Path) else known)
    try:
        replace(file(), text + "\n")
    except OSError as error:
        text = _(
            "The choice cannot be saved ({reason}). Set the environment variable LABKIT_DATA "
            "instead, or let LABKIT_CONFIG name a folder that you may write to."
        )
        raise DataError(text.format(reason=error.strerror or error)) from error
    return chosen()


def typed(text: str) -> Path:
    """Return the path in ``text``, with ~ expanded, without quotes and spaces around it."""
    return Path(os.path.expanduser(text.strip(_AROUND)))  # Path.expanduser raises for ~nobody


def file() -> Path:
    """Return the path of the saved choice, in LABKIT_CONFIG or the user's own config folder."""
    if named := os.environ.get("LABKIT_CONFIG"):
        return Path(os.path.expanduser(named)) / "source.txt"
    return own_folder("config") / "source.txt"


def _saved() -> str:
    try:
        return file().read_text("utf-8").strip()
    except (OSError, UnicodeDecodeError):
        return ""


def _known(source: str | os.PathLike) -> str | Path:
    if isinstance(source, os.PathLike):
        return Path(os.path.expanduser(source))
    text = source.strip(_AROUND) if isinstance(source, str) else ""
    if text in NAMES:
        return text
    path = typed(text)
    if text and (path.name != text or os.path.exists(path)):  # a path, or a folder in this one
        return path
    text = _(
        'There is no source {source!r}: choose "auto", "cifar10", "drawn", or the path of a '
        "folder of images."
    )
    raise DataError(text.format(source=source))
