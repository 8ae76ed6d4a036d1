"""Write the progress of a class as one table: ``python -m labkit.checks.export FOLDER...``.

Each FOLDER is a learner's, or there is one, with a folder for each learner in it: ``/home/*`` and
``/home`` say the same. The table goes to standard output, or to ``--output FILE``, as CSV, with a
row for each exercise of each learner: learner, notebook, exercise, attempts (up to the first right
answer), solved (UTC, empty if not yet), mistakes (by name, and how often). Each file that cannot be
read is named on standard error, and the exit code is 1 then; a learner who has no other has no
attempts in the table, not even 0. A learner who has tried nothing yet is named, too, which is no
error.
"""

import argparse
import csv
import io
import os
import sys
from pathlib import Path

from labkit.checks.engine import board
from labkit.checks.series import SERIES, exercises
from labkit.classroom import titled

COLUMNS = ("learner", "notebook", "exercise", "attempts", "solved", "mistakes")
NOTHING = "nothing tried yet"


def main(arguments: list[str] | None = None) -> int:
    """Print the table, name what could not be read, and return 1 if there was such a thing."""
    parser = argparse.ArgumentParser(prog="python -m labkit.checks.export", description=__doc__)
    parser.add_argument("folders", nargs="+", type=Path, metavar="FOLDER")
    parser.add_argument("--output", type=Path, metavar="FILE", help="write the table there")
    options = parser.parse_args(arguments)
    folders = [folder.absolute() for folder in options.folders]
    complaints: list[str] = []
    found = learners(folders, complaints)
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    for learner, copies in found.items():
        writer.writerows((learner, *row) for row in rows(copies))
    if options.output:
        options.output.write_text(text.getvalue(), encoding="utf-8-sig")  # as Excel wants it
    else:
        if isinstance(sys.stdout, io.TextIOWrapper):
            sys.stdout.reconfigure(encoding="utf-8")  # names of any language, also where LANG=C
        sys.stdout.write(text.getvalue())
    for complaint in complaints:
        print(complaint, file=sys.stderr)
    return int(any(not complaint.endswith(NOTHING) for complaint in complaints))


def rows(copies: list[board.Progress | None]) -> list[tuple[str, str, str, str, str]]:
    """Return a row for each exercise of the series, tried or not, of one learner.

    ``copies`` are all that the learner has, None for one that cannot be read; of each exercise the
    one that got furthest counts.
    """
    table = []
    known = [copy for copy in copies if copy is not None]
    for notebook in SERIES:
        for exercise in exercises(notebook):
            tried = [copy.get(notebook, {}).get(exercise.name, board.Entry()) for copy in known]
            entry = max(tried, key=lambda one: (bool(one.solved), one.tries), default=board.Entry())
            mistakes = (f"{name} ({n})" if n > 1 else name for name, n in entry.mistakes.items())
            attempts = str(entry.tries) if known or not copies else ""
            found = (attempts, entry.solved, "; ".join(mistakes))
            table.append((titled(notebook, str), exercise.name, *found))
    return table


def learners(folders: list[Path], complaints: list[str]) -> dict[str, list[board.Progress | None]]:
    """Return each learner's name and what ``rows`` takes; add to ``complaints``.

    The name is the part of the path in which the learners differ: ``ada`` in
    ``/home/ada/workshop``. Where that is a file's name, or there is one learner only, it is the
    name that the learner logged in with, if the file says it.
    """
    if len(folders) == 1:
        folders = _of_several(folders[0], _read(folders[0], [])) or folders
    found = {folder: _read(folder, complaints) for folder in folders}
    depth = len(Path(os.path.commonpath(found)).parts)
    merged: dict[str, list[board.Progress | None]] = {}
    for folder, files in found.items():
        differing = folder.parts[depth:-1] if folder.is_file() else folder.parts[depth:]
        signed = next((name for name, _progress in files.values() if name), "")
        name = differing[0] if differing else signed or _named(folder, files)
        merged.setdefault(name, []).extend(progress for _name, progress in files.values())
    return merged


Files = dict[Path, tuple[str, board.Progress | None]]


def _read(folder: Path, complaints: list[str]) -> Files:
    """Return what each file of progress in a folder says; add what is wrong to ``complaints``."""
    if folder.is_file():
        files = [folder]
    else:
        files = sorted(folder.rglob(board.FILE))
        if not os.access(folder, os.R_OK | os.X_OK):
            complaints.append(f"{folder}: cannot be looked into")
        elif not files:
            complaints.append(f"{folder}: no {board.FILE}: {NOTHING}")
    read = {}
    for file in files:
        try:
            read[file] = board.read_signed(file)
        except board.ProgressError as error:
            read[file] = "", None
            complaints.append(" ".join(str(error).splitlines()))
    return read


def _named(folder: Path, files: Files) -> str:
    """Return the name for the only learner: that of ``class/ada`` where one is collected."""
    inside = [file.parent.name for file in files if file.parent.parent == folder]
    return inside[0] if len(inside) == len(files) == 1 and inside != ["notebooks"] else folder.stem


def _of_several(folder: Path, files: Files) -> list[Path]:
    """Return the folders of several learners inside one folder.

    Those of one learner, who has several copies of the workshop, are not taken apart: the folder
    has the name that the learner logged in with.
    """
    one = folder.is_file() or {name for name, _progress in files.values()} == {folder.name}
    if one or len({file.relative_to(folder).parts[0] for file in files}) < 2:
        return []
    return [one for one in sorted(folder.iterdir()) if one.is_dir() and one.name[0] != "."]


if __name__ == "__main__":
    sys.exit(main())
