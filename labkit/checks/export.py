"""Write the progress of many learners as one table: ``python -m labkit.checks.export FOLDER...``.

Each folder is a learner's; below it, every ``progress.json`` is read. The table goes to standard
output as CSV: learner, notebook, exercise, tries, solved (UTC, empty if not yet).
"""

import argparse
import csv
import sys
from pathlib import Path

from labkit.checks.engine import board
from labkit.checks.series import SERIES, exercises


def rows(folder: Path) -> list[tuple[str, str, str, int, str]]:
    """Return a row for each exercise of the series, tried or not, for the learner of a folder.

    Raises ``ProgressError`` where a file cannot be read.
    """
    files = [folder] if folder.is_file() else sorted(folder.rglob(board.FILE))
    learner = folder.parent.name if folder.is_file() else folder.name
    table = []
    for file in files:
        progress = board.read(file)
        for notebook in SERIES:
            for exercise in exercises(notebook):
                entry = progress.get(notebook, {}).get(exercise.name, board.Entry())
                table.append((learner, notebook, exercise.name, entry.tries, entry.solved))
    return table


def main(arguments: list[str] | None = None) -> int:
    """Print the table; name what could not be read, and return 1 if there was such a thing."""
    parser = argparse.ArgumentParser(prog="python -m labkit.checks.export", description=__doc__)
    parser.add_argument("folders", nargs="+", type=Path, metavar="FOLDER")
    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow(("learner", "notebook", "exercise", "tries", "solved"))
    status = 0
    for folder in parser.parse_args(arguments).folders:
        try:
            table = rows(folder.resolve())
        except board.ProgressError as error:
            print(error, file=sys.stderr)
            status = 1
            continue
        if not table:
            print(f"{folder}: no {board.FILE}", file=sys.stderr)
            status = 1
        writer.writerows(table)
    return status


if __name__ == "__main__":
    sys.exit(main())
