"""Make an edition without solutions: ``python -m tests.edition FOLDER``, or ``make edition``.

It is a copy of the last commit without the folder for instructors, and without the folded solutions
of all exercises; nudges and hints stay. The checks stay, too, and whoever opens `labkit/checks`
finds what they compare with.
"""

import json
import re
import shutil
import subprocess
import sys
import tarfile
from io import BytesIO
from pathlib import Path

ROOT = Path(__file__).parents[1]
SOLUTION = re.compile(r"\n?<details>\s*<summary>Solution</summary>.*?</details>\n?", re.DOTALL)


def without_solutions(notebook: dict) -> dict:
    """Take the folded solutions out of a notebook, and return it."""
    for cell in notebook["cells"]:
        if cell["cell_type"] == "markdown":
            text = SOLUTION.sub("", "".join(cell["source"])).strip("\n")
            text = text.replace(" nudge, a hint and a solution are", " nudge and a hint are")
            cell["source"] = text.splitlines(keepends=True)
    notebook["cells"] = [cell for cell in notebook["cells"] if cell["source"]]
    return notebook


def main(folder: str) -> None:
    """Write the edition into a new folder."""
    archive = subprocess.run(["git", "archive", "HEAD"], cwd=ROOT, capture_output=True, check=True)
    with tarfile.open(fileobj=BytesIO(archive.stdout)) as tar:
        tar.extractall(folder, filter="data")
    shutil.rmtree(Path(folder, "notebooks", "teaching"))
    for path in sorted(Path(folder, "notebooks").glob("*.ipynb")):
        notebook = without_solutions(json.loads(path.read_text("utf-8")))
        path.write_text(json.dumps(notebook, indent=1, ensure_ascii=False) + "\n", "utf-8")
    readme = Path(folder, "README.md")
    text = re.sub(r"\[The teacher's pack\].*?\n\n", "", readme.read_text("utf-8"), flags=re.DOTALL)
    readme.write_text(text, "utf-8")
    print(f"The edition without solutions is in {folder}.")


if __name__ == "__main__":
    main(*sys.argv[1:])
