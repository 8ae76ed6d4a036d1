"""Bring corrections into this copy: ``python -m labkit.jupyter.update [FILE]``.

A git clone takes them from where it came from. Any other copy takes them from the new ZIP file of
the workshop, or from the folder into which that was unpacked. A notebook into which its learner has
written stays as it is until they reset it. What else they changed is kept beside the new file.
A ZIP file that is older than the copy is refused.
"""

import builtins
import contextlib
import os
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

from labkit.files import replace
from labkit.jupyter.reset import aside
from labkit.languages.edition import AS_NEW, COMMIT, original, own
from labkit.text import _, command, on_any_terminal

HERE = Path(__file__).resolve().parent
NOTEBOOKS = Path("notebooks")
TEACHING = NOTEBOOKS / "teaching"
FIRST = "notebooks/00_setup.ipynb"


def pull() -> tuple[list[Path], dict[Path, Path]]:
    """Bring this git clone up to date; return the notebooks that stay, and what is kept where.

    Raise ``ValueError``, with what git says, where it cannot be done.
    """
    _git("fetch", "--quiet")
    changed = _git("diff", "--name-only", "-z", "HEAD").split("\0")
    news = _git("diff", "--name-only", "-z", "--diff-filter=MD", "HEAD", "@{upstream}").split("\0")
    news = [name for name in news if name and Path(name).exists()]
    mine = [Path(name) for name in news if name in changed and _written(Path(name))]
    kept = {path: aside(path) for path in mine}
    for path, there in kept.items():
        path.replace(there)
    try:
        if news:  # what was only run counts for git as changed, and would stop it
            _git("checkout", "--quiet", "HEAD", "--", *news)
        _git("merge", "--quiet", "--ff-only", "@{upstream}")
    except ValueError:
        _back(kept)
        raise
    stay = {path: there for path, there in kept.items() if path.suffix == ".ipynb"}
    _back(stay)
    return list(stay), {path: kept[path] for path in kept if path not in stay}


def _back(kept: dict[Path, Path]) -> None:
    for path, there in kept.items():
        there.replace(path)


def _written(path: Path) -> bool:
    """Return whether a file that git calls changed has more in it than outputs."""
    new = _git("show", f"HEAD:{path.as_posix()}")
    return own(path.name, path.read_text("utf-8")) != own(path.name, new)


def _git(*command: str) -> str:
    done = subprocess.run(["git", *command], capture_output=True, check=False)
    if done.returncode:
        raise ValueError(done.stderr.decode(errors="replace").strip())
    return done.stdout.decode()


def unpack(source: Path) -> tuple[list[Path], dict[Path, Path]]:
    """Take every file from a ZIP file, or from the folder of it; return what ``pull`` does.

    Raise ``ValueError`` where it holds no workshop but this one, or an older one.
    """
    stay, kept = [], {}
    files = _files(source)
    _refuse_older(source, _made(files.get(COMMIT, b"")))
    whole = TEACHING.exists()  # a learner's edition has no pages with answers, and gets none
    for path, content in files.items():
        if TEACHING in path.parents and not whole:
            continue
        notebook = path.parent == NOTEBOOKS and path.suffix == ".ipynb"
        before = original(path) if notebook else ""
        if notebook:
            replace(NOTEBOOKS / AS_NEW / path.name, content)
        if path.parent == NOTEBOOKS and path.exists():
            mine = own(path.name, path.read_text("utf-8"))
            new = own(path.name, content.decode().replace("\r\n", "\n"))
            if mine == new:
                continue
            if before and mine != own(path.name, before):
                stay += [path] if new != own(path.name, before) else []
                continue
            if not before:  # nobody knows how it came, so it may be changed
                kept[path] = path.replace(aside(path))
        replace(path, content)
    replace(NOTEBOOKS / AS_NEW / COMMIT.name, files.get(COMMIT, b""))
    return stay, kept


def _files(source: Path) -> dict[Path, bytes]:
    """Return each file of a workshop by its path in there."""
    start: Any = source if source.is_dir() else zipfile.Path(source)
    itself = False
    for root in (start, *start.iterdir()):  # it is mostly in a folder of its own
        if not (root / FIRST).is_file():
            continue
        if not (isinstance(root, Path) and root.samefile(Path.cwd())):
            return dict(_walk(root, Path()))
        itself = True
    if itself:
        text = _(
            "There is only this copy itself in {file}. Name the new ZIP file, or the folder into "
            "which you unpacked it."
        )
        raise ValueError(text.format(file=source))
    raise ValueError(_("{file} does not contain the workshop.").format(file=source))


def _walk(folder: Any, place: Path) -> Iterator[tuple[Path, bytes]]:
    for entry in folder.iterdir():
        if entry.name in ("..", ".git", ".venv"):
            continue
        if entry.is_dir():
            yield from _walk(entry, place / entry.name)
        else:
            yield place / entry.name, entry.read_bytes()


def _refuse_older(source: Path, new: datetime | None) -> None:
    old = _made_here()
    if old and new and new < old:
        text = _(
            "{file} is from {new}, older than this copy from {old}, so nothing was changed: "
            "download the newest ZIP file, or unpack the older one into a folder of its own."
        )
        raise ValueError(text.format(file=source, new=_day(new), old=_day(old)))


def _made_here() -> datetime | None:
    return _made(COMMIT.read_bytes() if COMMIT.exists() else b"")


def _made(commit: bytes) -> datetime | None:
    """Return when an edition was made; ``None`` where its file has no number, as in a clone."""
    return datetime.fromtimestamp(int(commit)) if commit.strip().isdigit() else None


def _day(time: datetime) -> str:
    return f"{time:%Y-%m-%d %H:%M}"


def main(*options: str) -> int:
    """Bring the corrections, and say what of the learner's stays; return 1 if that fails."""
    on_any_terminal()
    here = Path.cwd()
    found = [folder for folder in (here, *here.parents) if (folder / FIRST).is_file()]
    root = [*found, HERE.parents[2]][0]
    text = _(
        "Download the workshop again, and write the path of its ZIP file in place of FILE: "
        "{command} FILE"
    )
    advice = text.format(command=command("labkit.jupyter.update"))
    if not options and not (root / ".git").exists():
        print(advice, file=sys.stderr)
        return 1
    source = [Path(os.path.abspath(os.path.expanduser(option))) for option in options]
    try:
        with contextlib.chdir(root):
            stay, kept = unpack(source[0]) if source else pull()
            made = _made_here()
    except (ValueError, OSError, zipfile.BadZipFile) as error:
        missing = isinstance(error, FileNotFoundError)
        print(error, *[advice] * missing, sep="\n", file=sys.stderr)
        return 1
    _say(stay, kept, made)
    return 0


def _say(stay: list[Path], kept: dict[Path, Path], made: datetime | None) -> None:
    for path in stay:
        text = _(
            "{path} stays as you changed it; there is a newer one. To take that, and keep yours "
            "beside it: {command} {name}"
        )
        print(text.format(path=path, command=command("labkit.jupyter.reset"), name=path.stem))
    for path, there in kept.items():
        print(_("{name} is as new. Yours is kept as {old}.").format(name=path.name, old=there.name))
    if made:
        text = _("This is now the workshop of {day}. Close it, and open it again.")
        print(text.format(day=_day(made)))
    else:
        print(_("The workshop is up to date. Close it, and open it again."))


if __name__ == "__main__":
    status = main(*sys.argv[1:])
    if not hasattr(builtins, "__IPYTHON__"):  # %run in a notebook would show a traceback
        sys.exit(status)
