"""What the tests of all exercises share: answers as learners write them, notebooks as text."""

import ast
import json
import re
from pathlib import Path

from labkit.checks import series
from labkit.checks.engine.trial import Trial
from labkit.sandbox import randomness
from labkit.sandbox.limits import settings_kept
from labkit.sandbox.reading import Answer

NOTEBOOKS = Path(__file__).parents[2] / "notebooks"


def source(notebook: str) -> list[tuple[str, str]]:
    """Return (kind, text) of the cells of the notebook that belongs to a module of checks."""
    path = next(NOTEBOOKS.glob(f"[0-9][0-9]_{notebook}.ipynb"))
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    return [(cell["cell_type"], "".join(cell["source"])) for cell in cells]


def definitions(notebook: str) -> dict:
    """Return the imports, functions and classes of a notebook, without what its cells compute."""
    namespace = {"__name__": "__main__"}
    nodes = (
        node
        for kind, text in source(notebook)
        if kind == "code"
        for node in ast.parse(text).body
        if isinstance(node, ast.Import | ast.ImportFrom | ast.FunctionDef | ast.ClassDef)
    )
    for node in nodes:
        try:
            exec(ast.unparse(node), namespace)
        except NameError:  # a default value that a cell has computed
            continue
    return namespace


def folded(notebook: str) -> list[dict[str, str]]:
    """Return for each exercise what is folded under it: nudge, hint and solution."""
    found = []
    for kind, text in source(notebook):
        steps = re.findall(
            r"<details>\n<summary>(\w+)</summary>\n\n(.*?)\n\n</details>", text, re.S
        )
        if kind == "markdown" and steps:
            found.append(dict(steps))
    return found


def solution(notebook: str, number: int) -> str:
    """Return the code of a solution, as the notebook prints it."""
    text = folded(notebook)[number - 1]["Solution"]
    return re.search(r"```python\n(.*?)\n```", text, re.S).group(1)


def accepts(exercise, answer) -> bool:
    """Return whether an answer is right on every input; stop at the first one where not."""
    with randomness.kept(0), settings_kept():
        trial = Trial(exercise, Answer(answer))
        return any(map(trial._agrees, (exercise.judge, *exercise.also)))


def everywhere() -> list:
    """Return all exercises of the series."""
    return [exercise for notebook in series.SERIES for exercise in series.exercises(notebook)]


def full_name(exercise) -> str:
    """Return a name for pytest: ``tensors.grey``."""
    return f"{exercise.notebook}.{exercise.name}"
