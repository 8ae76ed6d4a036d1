"""Bring the catalogues up to date: ``make languages``, or ``python -m tests.languages [de]``.

What is new or has changed in English is put into each ``.po`` by GNU gettext's msgmerge: what has
changed is marked ``fuzzy``, with the English it was made for. Then it says what is left to do, and
writes the editions.
"""

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from labkit.languages import edition, locales
from labkit.text import LANGUAGES
from tests.languages.catalogues import ROOT, names, path_of, wanted, written
from tests.languages.guards import of_language


def merge(code: str, name: str) -> None:
    """Bring one catalogue up to date."""
    path = path_of(code, name)
    template = written(code, wanted(name).values())
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(template, encoding="utf-8")
    with tempfile.TemporaryDirectory() as folder:
        reference = Path(folder, "new.pot")
        reference.write_text(template, encoding="utf-8")
        how = ["--quiet", "--previous", "--no-wrap", "--output-file=-"]
        merged = _gettext("msgmerge", *how, str(path), str(reference))
        reference.write_bytes(merged)
        path.write_bytes(_gettext("msgattrib", "--no-obsolete", "--no-wrap", str(reference)))


def _gettext(*command: str) -> bytes:
    return subprocess.run(command, check=True, capture_output=True).stdout


def main(*codes: str) -> int:
    """Merge, check, build; return how many things are wrong, at most 99."""
    if not shutil.which("msgmerge"):
        print("This needs GNU gettext: apt install gettext, or brew install gettext.")
        return 1
    problems = []
    for code in codes or [code for code in LANGUAGES if code != "en"]:
        for name in names():
            merge(code, name)
            problems += of_language(code, name)
        locales.build(code)
    for name in edition.write_all(ROOT / "notebooks"):
        print(f"{name} has been changed by hand, and stays.")
    print(*problems, f"{len(problems)} problems", sep="\n")
    return min(len(problems), 99)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
