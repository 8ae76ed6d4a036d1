"""Make an edition without solutions: ``python -m tests.edition FOLDER``, or ``make edition``.

It is a copy of the last commit, as a folder and as a ZIP file, without what is for instructors (a
folder, a part of the README, the page of the hub kit) and without the folded solutions of all
exercises, in every language; nudges and hints stay. The checks stay, too, and whoever opens
`labkit/checks` finds what they compare with.
"""

import io
import json
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

from babel.messages import pofile

from labkit.languages.segments import segments

ROOT = Path(__file__).parents[1]
SOLUTION = re.compile(r"\n?<details>\s*<summary>Solution</summary>.*?</details>\n?", re.DOTALL)
FOLDED = {
    ", a hint and a solution": " and a hint",
    ", una pista y una solución": " y una pista",
    ", uma dica e uma solução": " e uma dica",
    ", un indice et une solution": " et un indice",
    ", ein Hinweis und eine Lösung": " und ein Hinweis",
}
"""What is folded under an exercise: behind the nudge, in the sentence above the exercises."""


def without_solutions(notebook: dict) -> dict:
    """Take the folded solutions out of a notebook, and return it."""
    for cell in notebook["cells"]:
        if cell["cell_type"] == "markdown":
            text = SOLUTION.sub("", "".join(cell["source"])).strip("\n")
            cell["source"] = _less(text).splitlines(keepends=True)
    notebook["cells"] = [cell for cell in notebook["cells"] if cell["source"]]
    return notebook


def _less(text: str) -> str:
    for all_three, two in FOLDED.items():
        text = text.replace(all_three, two)
    return text


def _without_translations(notebook: dict, catalogue: Path) -> None:
    """Leave in a catalogue what the notebook says."""
    cells = [cell for cell in notebook["cells"] if cell["cell_type"] == "markdown"]
    said = {piece.text for cell in cells for piece in segments("".join(cell["source"]))}
    known = pofile.read_po(io.StringIO(_less(catalogue.read_text("utf-8"))))
    for message in list(known):
        if message.id and message.id not in said:
            known.delete(message.id)
    written = io.BytesIO()
    pofile.write_po(written, known, width=0, ignore_obsolete=True)
    text = re.sub(r'"POT-Creation-Date: .*\n', "", written.getvalue().decode())  # today's
    catalogue.write_text(text, "utf-8")


def main(folder: str) -> None:
    """Write the edition into a new folder."""
    if not (ROOT / ".git").exists():
        sys.exit("An edition is made from a git clone of the workshop, and there is no git here.")
    command = ["git", "archive", "--format=zip", "HEAD"]
    archive = subprocess.run(command, cwd=ROOT, capture_output=True, check=True)
    with zipfile.ZipFile(io.BytesIO(archive.stdout)) as files:
        for entry in files.infolist():
            path = Path(files.extract(entry, folder))
            if mode := entry.external_attr >> 16:  # git gives it to what can be run
                path.chmod(mode & 0o777)
    shutil.rmtree(Path(folder, "notebooks", "teaching"))
    Path(folder, "labkit", "jupyter", "hub", "README.md").unlink()
    for path in sorted(Path(folder, "notebooks").glob("*.ipynb")):
        notebook = without_solutions(json.loads(path.read_text("utf-8")))
        path.write_text(json.dumps(notebook, indent=1, ensure_ascii=False) + "\n", "utf-8")
        for catalogue in Path(folder, "labkit", "locales").glob(f"*/notebooks/{path.stem}.po"):
            _without_translations(notebook, catalogue)
    readme = Path(folder, "README.md")
    text = re.sub(r"## For instructors\n.*?(?=## )", "", readme.read_text("utf-8"), flags=re.DOTALL)
    readme.write_text(text, "utf-8")
    packed = shutil.make_archive(folder, "zip", Path(folder).parent, Path(folder).name)
    print(f"The edition without solutions is in {folder}, and to send, in {packed}.")
    print("The checks in labkit/checks stay: whoever opens them finds the right answers.")
    changed = subprocess.run(["git", "status", "--porcelain"], cwd=ROOT, capture_output=True)
    if changed.stdout:
        print("It is a copy of the last commit, and this folder has changes that are in none yet.")


if __name__ == "__main__":
    main(*sys.argv[1:])
