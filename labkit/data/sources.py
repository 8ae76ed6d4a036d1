"""``load()``: images from the chosen source, or with a notice from the next best."""

import hashlib
import os
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from labkit.data import choice, cifar10, store
from labkit.data import folder as own
from labkit.data.download import NoSourceError, Patience, answering, place
from labkit.data.layout import survey
from labkit.data.sets import ImageSet, Splits
from labkit.data.store import DataError
from labkit.display import tell
from labkit.text import _, ngettext


def load(source: str | os.PathLike | None = None, *, transform: Callable | None = None) -> Splits:
    """Return the training, the validation and the test set of a source.

    ``source`` is "cifar10", "drawn", the path of a folder of images, or "auto": CIFAR-10 if it is
    cached or can be downloaded, else the drawn images, with a notice. The default is LABKIT_DATA,
    else what ``choose`` saved, else "auto". An item of a set is ``(image, label)``: a PIL image of
    32 x 32 pixels, or what ``transform`` makes of it. Raise ``DataError``, a ``ValueError``, where
    the images cannot be loaded.
    """
    wanted = choice.chosen(source).source
    if wanted == "auto":
        wanted = _best()
    if wanted == "cifar10":
        stored = cifar10.obtain()
    elif wanted == "drawn":
        stored = _drawn()
    else:
        stored = _folder(Path(wanted))
    sets = (
        ImageSet(
            stored.images[split],
            stored.labels[split],
            stored.classes,
            source=str(wanted),
            split=split,
            transform=transform,
        )
        for split in store.SPLITS
    )
    return Splits(*sets)


class Status(NamedTuple):
    """What is known of a source without the network: ``size`` on disk in bytes."""

    source: str
    ready: bool
    size: int
    says: str


def status() -> list[Status]:
    """Return what is cached of each named source. Quick; uses no network."""
    return [
        _status("cifar10", cifar10.find(), _("170 MB to download, once")),
        _status("drawn", store.find("drawn", _drawn_key()), _("drawn in seconds, once")),
    ]


def _status(source: str, stored: store.Stored | None, otherwise: str) -> Status:
    if stored is None:
        return Status(source, False, 0, otherwise)
    size = sum(images.nbytes for images in stored.images.values())
    says = _("ready, {size:.0f} MB on this machine").format(size=size / 1e6)
    return Status(source, True, size, says)


_told: set[str] = set()


def _tell_once(heading: str, *sentences: str) -> None:
    if heading not in _told:
        _told.add(heading)
        tell(heading, *sentences)


def _drawn_key() -> str:
    """Return a key that changes with the code that draws."""
    code = sorted(Path(__file__).with_name("drawn").glob("*.py"))
    return hashlib.sha256(b"".join(path.read_bytes() for path in code)).hexdigest()[:16]


def _drawn() -> store.Stored:
    def draw() -> store.Arrays:
        from labkit.data.drawn import draw

        return draw()

    return store.cached("drawn", _drawn_key(), draw)


def _folder(folder: Path) -> store.Stored:
    found = survey(folder)
    stored = store.cached(
        own.name_of(folder), own.fingerprint(found), lambda: own.decode(folder, found)
    )
    if found.notes:
        _tell_once(_("How {folder} is read:").format(folder=folder), *found.notes)
    if stored.skipped:
        _tell_once(*_skipped(folder, stored.skipped))
    return stored


def _skipped(folder: Path, lines: tuple[str, ...], shown: int = 5) -> list[str]:
    n = len(lines)
    heading = ngettext(
        "One thing in {folder} could not be used.", "{n} things in {folder} could not be used.", n
    ).format(n=n, folder=folder)
    more = [_("... and {n} more").format(n=n - shown)] if n > shown else []
    return [heading, *lines[:shown], *more]


_failed: set[tuple] = set()


def _best() -> str:
    """Return "cifar10" if it is cached or can be downloaded now, else "drawn".

    A process tries the network once, and shows the notice once. It then stays with the drawn
    images, even if somebody else fills the cache that they share: a network that has learned
    from the ones is not tested on the others.
    """
    drawn = any(where == store.folder() for where, *_urls in _failed)
    if not drawn and cifar10.find():
        return "cifar10"
    attempt = (store.folder(), *cifar10.urls())
    if attempt not in _failed:
        reasons = _try_hosts()
        if not reasons:
            return "cifar10"
        _failed.add(attempt)
        _tell_drawn(reasons)
    return "drawn"


def _try_hosts() -> list[str]:
    """Download from the hosts that answer; return a line for each that failed, if all did."""
    patience = Patience()
    answers = answering(cifar10.urls(), cifar10.ARCHIVE, patience.asking)
    reasons = {place(url): reason for url, reason in answers.items()}
    there = tuple(url for url, reason in answers.items() if not reason)
    try:
        if there:
            cifar10.obtain(there, patience)
            return []
    except NoSourceError as error:
        reasons |= error.reasons
    except DataError as error:
        return [str(error)]
    return [f"{name}: {reason}" for name, reason in reasons.items()]


def _tell_drawn(reasons: list[str]) -> None:
    name = cifar10.ARCHIVE.name
    command = f'export LABKIT_CIFAR10_URL="/path/of/{name}"'
    if os.name == "nt":
        command = f'$env:LABKIT_CIFAR10_URL = "C:\\path\\of\\{name}"'
    tell(
        _("You are learning from drawn images, not from photographs."),
        _("Why: CIFAR-10 is not on this machine, and it could not be downloaded."),
        *(f"• {reason}" for reason in reasons),
        _(
            "What that changes: the same ten classes, with 10,000 training images instead of "
            "47,500. Every cell runs. Accuracies differ from those on photographs."
        ),
        _(
            "To get the photographs: with a network, restart the kernel and run this again. "
            "Without one, copy {name} from somebody, type `{command}` in a terminal, and start the "
            "workshop there again; or choose a folder of your own images in 00_setup."
        ).format(name=name, command=command),
        folded=store.find("drawn", _drawn_key()) is not None,  # so it was told before
    )
