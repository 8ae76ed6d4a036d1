"""Find out which files of a folder belong to which class, without opening one.

The classes are folders, ``cat/1.jpg``, alone or inside ``train`` and ``test``; or file names
start with them, ``train/cat.0.jpg``, as Kaggle packs Dogs vs. Cats.
"""

import os
import re
import unicodedata
from pathlib import Path
from typing import NamedTuple

from labkit.data.store import DataError
from labkit.text import _, ngettext

_LEFT_ABOUT = {
    *("thumbs.db", "desktop.ini", "$recycle.bin", "system volume information"),  # Windows
    *("__macosx", "icon\r", "lost+found"),
    *("@eadir", "#recycle", "@recycle", "@recently-snapshot", "#snapshot", ".@__thumb"),  # NAS
}
"""What systems and their archives leave in a folder, beside what begins with a dot."""

_TEST_NAMES = ("test", "val", "valid", "validation")
"""The first of these that stands beside ``train`` is the test set: many have only ``val``."""

_A_PART = re.compile(
    r"(.*[\W_])?(train|test|val|valid|validation|eval|evaluation|dev|holdout|unlabell?ed)(ing)?"
    r"([\W_]*(set|data|images|split))?[\W_]*\d*"
)
"""Names of folders that are parts of a data set: seldom classes, and never all of them."""

_NUMBERED = re.compile(r"([^\W\d_]+)\.\d+\.(jpe?g|png)", re.IGNORECASE)
"""A file whose name starts with its class, e.g. cat.0.jpg."""

_IMAGES = (".jpg", ".jpeg", ".png", ".gif", ".bmp", ".webp", ".tif", ".tiff", ".avif", ".heic")
_ARCHIVES = (".zip", ".tar", ".gz", ".tgz", ".xz", ".txz", ".bz2", ".tbz2", ".zst", ".7z", ".rar")

Listing = dict[str, list[os.DirEntry]]
"""The files of each class, by the name of the class; both in the order of their names."""


class Survey(NamedTuple):
    """The files to train and to test with, and a line for all that is passed over.

    Without test files ``test`` is empty.
    """

    train: Listing
    test: Listing
    notes: tuple[str, ...]


def survey(folder: Path, *, hints: bool = True) -> Survey:
    """List the training and the test files of ``folder``, without opening one.

    Raise ``DataError`` where there is no such folder, or not two classes with files in it; with
    ``hints``, the message names a folder inside that could be used.
    """
    _refuse_no_folder(folder)
    notes: list[str] = []
    parts = {entry.name.lower(): Path(entry.path) for entry in _folders(folder)}
    if _is_split(parts):
        _refuse_two_of_a_name(folder, parts)
    else:
        train = _classes(folder, notes)
        _refuse_unusable(folder, train, {}, hints)
        return Survey(train, {}, tuple(notes))
    notes += _unused(folder)
    learn = parts.pop("train")
    train, test = _classes(learn, notes), {}
    for name in [name for name in _TEST_NAMES if name in parts]:
        if not test and _folders(parts[name]):
            test = _classes(parts.pop(name), notes)
        elif not test and _visible(parts[name]):
            text = _("{name}: not used, because its files lie in no class folder.")
            notes.append(text.format(name=readable(parts.pop(name).name)))
    text = _("{name}: not used, only train and one folder to test with are.")
    notes += [text.format(name=readable(part.name)) for part in parts.values()]
    _refuse_unusable(learn, train, test, hints)
    return Survey(train, test, tuple(notes))


def _visible(folder: str | Path) -> list[os.DirEntry]:
    try:
        with os.scandir(folder) as entries:
            shown = [
                entry
                for entry in entries
                if not entry.name.startswith(".") and entry.name.lower() not in _LEFT_ABOUT
            ]
    except OSError as error:
        raise _cannot_open(folder, error) from error
    return sorted(shown, key=lambda entry: entry.name)


def _folders(folder: str | Path) -> list[os.DirEntry]:
    return [entry for entry in _visible(folder) if _is_folder(entry)]


def _is_folder(entry: os.DirEntry) -> bool:
    try:
        return entry.is_dir()
    except OSError:  # a link that leads to itself, or where we may not look
        return False


def _is_split(parts: dict[str, Path]) -> bool:
    """Return whether "train" is a part of the data set, and not a class: images of trains."""
    if "train" not in parts:
        return False
    beside = [name for name in parts if name != "train"]
    return not beside or any(map(_A_PART.fullmatch, beside)) or bool(_folders(parts["train"]))


def _classes(folder: Path, notes: list[str]) -> Listing:
    """Return the files by class: by their folder, or where there are none, by their name."""
    entries = _visible(folder)
    for entry in entries:
        if entry.is_symlink() and not os.path.exists(entry.path):
            text = _("The link {path} cannot be followed: repair it, or remove it.")
            raise _refusal(text, path=entry.path)
    folders = [entry for entry in entries if _is_folder(entry)]
    if not folders:
        return _by_file_name(folder, _loose(folder), notes)
    notes += _unused(folder)
    listing: Listing = {}
    for entry in folders:
        name = readable(entry.name)
        if name in listing:
            text = _("{name}: two folders have names that look like this. They are one class.")
            notes.append(text.format(name=name))
        listing.setdefault(name, []).extend(_visible(entry.path))
    lower = [name.lower() for name in listing]
    if alike := [name for name in listing if lower.count(name.lower()) > 1]:
        text = _("{names}: different classes, although only capital letters differ.")
        notes.append(text.format(names=", ".join(alike)))
    text = _("{name}: read as a class. If it is not one, move this folder out of {folder}.")
    parts = [name for name in listing if _A_PART.fullmatch(name.lower()) and name != "train"]
    notes += [text.format(name=name, folder=readable(folder.name)) for name in parts]
    return _in_order(listing)


def _in_order(listing: Listing) -> Listing:
    """Sort the classes by their names; where all names are numbers, as numbers: 2 before 10."""
    numbers = all(map(str.isdecimal, listing))
    return dict(sorted(listing.items(), key=lambda one: (int(one[0]) if numbers else 0, one[0])))


def _loose(folder: Path) -> list[os.DirEntry]:
    files = [entry for entry in _visible(folder) if not _is_folder(entry)]
    return [file for file in files if file.name.lower().endswith(_IMAGES)]


def _unused(folder: Path) -> list[str]:
    """Return a line about the images beside the folders in ``folder``, if there are any."""
    n = len(_loose(folder))
    text = ngettext(
        "{folder}: {n} image beside the folders is not used.",
        "{folder}: {n} images beside the folders are not used.",
        n,
    )
    return [text.format(folder=readable(folder.name), n=n)] if n else []


def _by_file_name(folder: Path, files: list[os.DirEntry], notes: list[str]) -> Listing:
    """Return the classes that the names of all files start with: cat.0.jpg, dog.0.jpg."""
    listing: Listing = {}
    for file in files:
        match = _NUMBERED.fullmatch(file.name)
        if not match:
            return {}
        listing.setdefault(readable(match[1]), []).append(file)
    if len(listing) > 1:
        text = _("{folder} holds no folders: the classes are those in the file names, {classes}.")
        counts = (f"{name} ({len(some):,})" for name, some in sorted(listing.items()))
        notes.append(text.format(folder=readable(folder.name), classes=", ".join(counts)))
    return _in_order(listing)


def readable(name: str) -> str:
    """Return a name of a file as text that can be shown: composed letters (NFC), no stray bytes."""
    try:
        name.encode()
    except UnicodeEncodeError:  # not UTF-8, e.g. from an old zip archive of Windows
        name = os.fsencode(name).decode("latin-1")
    return unicodedata.normalize("NFC", name)


def _refusal(text: str, folder: str | Path = "", **fields) -> DataError:
    return DataError(text.format(folder=folder, **fields))


def _cannot_open(folder: str | Path, error: OSError) -> DataError:
    text = _("The folder {folder} cannot be opened: {reason}.")
    return _refusal(text, folder, reason=error.strerror)


def _refuse_no_folder(folder: Path) -> None:
    try:
        there, is_folder = folder.exists(), folder.is_dir()
    except OSError as error:
        raise _cannot_open(folder, error) from error
    if not there:
        text = _(
            "There is no folder {folder}. Look for a typing error in its name, "
            "or choose another source in 00_setup or with LABKIT_DATA."
        )
    elif is_folder:
        return
    elif folder.name.lower().endswith(_ARCHIVES):
        text = _("{folder} is an archive: unpack it, and name the folder that comes out of it.")
    else:
        text = _("{folder} is a file. Name the folder that holds one folder per class.")
    raise _refusal(text, folder)


def _refuse_unusable(folder: Path, train: Listing, test: Listing, hints: bool) -> None:
    if os.path.exists(folder / "data_batch_1") and os.path.exists(folder / "test_batch"):
        text = _(
            "{folder} is CIFAR-10, unpacked. Choose cifar10 instead. Without a network, let "
            "LABKIT_CIFAR10_URL name the archive that it came from, cifar-10-python.tar.gz."
        )
        raise _refusal(text, folder)
    if len(train) < 2:
        text = _(
            "At least two classes are needed, and {folder} holds these folders: {names}. "
            "Put the images of each class into a folder of its own: cat/1.jpg, dog/1.jpg."
        )
        inner = _usable_inside(folder) if hints else None
        if inner:
            text = _("{folder} is one folder too high: choose {inner}, which holds the classes.")
        names = ", ".join(train) or _("none")
        raise _refusal(text, folder, names=names, inner=inner)
    if all(_A_PART.fullmatch(name.lower()) for name in train):
        text = _(
            "The folders {names} in {folder} are parts of a data set, and no classes. Call the one "
            "to learn from train and the other test, with a folder for each class inside: "
            "train/cat/1.jpg, test/cat/2.jpg."
        )
        raise _refusal(text, folder, names=", ".join(train))
    for name, files in train.items():
        path = folder / name
        if not files:
            raise _refusal(_("The folder {path} has no images: add some, or remove it."), path=path)
        if all(map(_is_folder, files)):
            text = _(
                "The folder {path} holds folders and no images. The images of a class lie side "
                "by side: cat/1.jpg, or train/cat/1.jpg and test/cat/2.jpg."
            )
            if hints and _usable(path):
                text += " " + _("Or do you mean this folder itself?")
            raise _refusal(text, path=path)
    if strange := [name for name in test if name not in train]:
        text = _("The class {name} is in the test folder, but not in {folder}.")
        if alike := [name for name in train if name.lower() == strange[0].lower()]:
            text += " " + _("There it is called {alike}: give both folders one name.")
        raise _refusal(text, folder, name=strange[0], alike="".join(alike[:1]))


def _refuse_two_of_a_name(folder: Path, parts: dict[str, Path]) -> None:
    for part in _folders(folder):
        if (other := parts[part.name.lower()].name) != part.name:
            text = _("{folder} holds {one} and {other}: only capital letters differ. Keep one.")
            raise _refusal(text, folder, one=part.name, other=other)


def _usable_inside(folder: Path, most: int = 4) -> Path | None:
    """Return the usable folder in ``folder``, up to ``most`` levels in, or None."""
    while most and len(folders := _folders(folder)) == 1:
        folder, most = Path(folders[0].path), most - 1
        if _usable(folder):
            return folder
    return None


def _usable(folder: Path) -> bool:
    try:
        survey(folder, hints=False)
    except DataError:
        return False
    return True
