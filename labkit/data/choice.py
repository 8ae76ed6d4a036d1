"""Which source is wanted: said here and now, by the environment, or chosen once in 00_setup."""

import os
from pathlib import Path
from typing import NamedTuple

from labkit.data.store import DataError
from labkit.text import _

NAMES = ("auto", "cifar10", "drawn")

_AROUND = " \"'"
"""What may stand around a path that was copied, and is no part of it."""


class Choice(NamedTuple):
    """The wanted source, "auto", "cifar10", "drawn" or a folder, and a sentence saying why."""

    source: str | Path
    why: str


def chosen(source: str | os.PathLike | None = None) -> Choice:
    """Return the source that ``load`` would use.

    The argument counts first, then LABKIT_DATA, then what ``choose`` saved, then "auto".
    Raise ``DataError`` where it is neither a source nor a folder.
    """
    if source is not None:
        return Choice(_known(source), _("The call of load() names it."))
    if named := os.environ.get("LABKIT_DATA"):
        return Choice(_known(named), _("The environment variable LABKIT_DATA names it."))
    if saved := _saved():
        return Choice(_known(saved), _("You chose it in 00_setup ({file}).").format(file=file()))
    return Choice("auto", _("Nothing else was chosen."))


def choose(source: str | os.PathLike) -> Choice:
    """Save the source for all notebooks of this user; return what ``load`` will use now.

    That is another one where LABKIT_DATA is set: it goes before the saved choice.
    """
    known = _known(source)
    text = str(known.resolve() if isinstance(known, Path) else known)
    path = file()
    path.parent.mkdir(parents=True, exist_ok=True)
    half = path.with_suffix(f".{os.getpid()}")
    half.write_text(text + "\n", "utf-8")
    half.replace(path)
    return chosen()


def typed(text: str) -> Path:
    """Return the path in ``text``, with ~ filled in and without quotes around it."""
    return Path(os.path.expanduser(text.strip(_AROUND)))  # Path.expanduser raises for ~nobody


def file() -> Path:
    """Return the file that holds the choice, in LABKIT_CONFIG or this user's own folder."""
    if named := os.environ.get("LABKIT_CONFIG"):
        return Path(named).expanduser() / "source.txt"
    from platformdirs import user_config_path

    return user_config_path("labkit", appauthor=False) / "source.txt"


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
    if text and (path.name != text or os.path.exists(path)):  # no lonely word, or a folder here
        return path
    raise DataError(
        _(
            'There is no source {source!r}: choose "auto", "cifar10", "drawn", '
            "or the path of a folder of pictures."
        ).format(source=source)
    )
