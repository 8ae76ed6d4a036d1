"""How long a notebook takes, counted, and the places that print it: ``python -m tests.minutes``.

A learner reads 200 words a minute and a line of code in 4 seconds, takes 6 seconds to run a cell,
20 for a prediction, 90 for an explorer (20 for a form), 15 to look at a figure, and waits as long
as the text says ("**Takes about 40 seconds** with photographs"). Folded exercise hints, alt texts
and cells tagged ``check`` do not count; of a cell tagged ``predict`` only the words of its answer.

``--write`` puts the counted minutes into the heads and headings of the notebooks, into the table of
notebook 0 and into that of the README. ``tests/test_minutes.py`` holds the printed numbers to them.
"""

import ast
import json
import re
import sys
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).parents[1]
NOTEBOOKS = sorted((ROOT / "notebooks").glob("[0-9][0-9]_*.ipynb"))
WORDS_A_MINUTE = 200
LINE, RUN, PREDICTION, FORM, EXPLORER, FIGURE = 4, 6, 20, 20, 90, 15
"""Seconds."""

FORMS = {"DataChoice"}
"""Widgets in which one makes a choice and goes on."""

DIVIDER = "## Going deeper"
PREDICT = "**Before you run it:**"
_WAIT = re.compile(r"\*\*Takes about (\d+) seconds\*\* with photographs")
_HEADING = re.compile(r"### (.+?) \((\d+) min\)")
_HEAD = re.compile(
    r"In the lab: (?P<core>\d+) minutes, down to \*Going deeper\*\. "
    r"Beyond: (?P<sections>\d+) sections?, about (?P<beyond>\d+) minutes"
)
_AFTER = re.compile(r"After the lab: about (?P<core>\d+) minutes")


@dataclass
class Part:
    """Some cells of a notebook, and what there is in them to read, run and look at."""

    title: str
    cells: list[dict] = field(default_factory=list)
    words: int = 0
    lines: int = 0
    runs: int = 0
    predictions: int = 0
    forms: int = 0
    explorers: int = 0
    figures: int = 0
    waiting: int = 0

    @property
    def minutes(self) -> float:
        """Return how long this part takes, waiting included."""
        seconds = self.lines * LINE + self.runs * RUN + self.predictions * PREDICTION
        seconds += (
            self.forms * FORM + self.explorers * EXPLORER + self.figures * FIGURE + self.waiting
        )
        return self.words / WORDS_A_MINUTE + seconds / 60

    def count(self, moving: set[str], drawing: set[str]) -> None:
        """Count all cells; ``moving`` and ``drawing`` name what shows an explorer or a figure."""
        for cell in self.cells:
            text = source(cell)
            tags = cell["metadata"].get("tags", [])
            if "check" in tags:
                continue
            if "predict" in tags:  # the field for a guess: its seconds are those of the question
                self.words += len(" ".join(_strings(text)).split())
                continue
            if cell["cell_type"] == "markdown":
                self.predictions += text.count(PREDICT)
                self.figures += len(re.findall(r"!\[", text))
                self.waiting += sum(map(int, _WAIT.findall(text)))
                self.words += len(_read_aloud(text).split())
                continue
            self.runs += 1
            self.lines += sum(bool(line.strip()) for line in text.splitlines())
            called = _shown(text)
            self.forms += called in FORMS
            self.explorers += called in moving and called not in FORMS
            self.figures += called in drawing


@dataclass
class Counted:
    """A notebook in its parts: the core, the sections beyond it, the exercises, what to read."""

    path: Path
    core: Part
    sections: list[Part]
    exercises: Part

    @property
    def beyond(self) -> float:
        """Return the minutes of all sections below the divider, without the exercises."""
        return sum(part.minutes for part in self.sections)


def source(cell: dict) -> str:
    """Return the text of a cell."""
    return "".join(cell["source"])


def read(path: Path) -> list[dict]:
    """Return the cells of a notebook."""
    return json.loads(path.read_text(encoding="utf-8"))["cells"]


def _read_aloud(text: str) -> str:
    text = re.sub(
        r"<details>\s*<summary>(?:Nudge|Hint|Solution)</summary>.*?</details>", "", text, flags=re.S
    )
    text = re.sub(r"!\[[^]]*\]\([^)]*\)", "", text)
    text = re.sub(r"\]\([^)]*\)|<[^>]+>|https?://\S+", " ", text)
    return re.sub(r"[|#*`·\[\]]|--+|^ *- ", " ", text, flags=re.M)


def _strings(code: str) -> list[str]:
    """Return the texts in a cell of code."""
    constants = (node.value for node in ast.walk(ast.parse(code)) if isinstance(node, ast.Constant))
    return [value for value in constants if isinstance(value, str)]


def _shown(code: str) -> str | None:
    """Return the name of what made the value that a cell's last line shows: ``explorer`` too."""
    body = ast.parse(code).body
    shown = body[-1].value if body and isinstance(body[-1], ast.Expr) else None
    if isinstance(shown, ast.Name):
        made = {
            target.id: node.value
            for node in body
            if isinstance(node, ast.Assign)
            for target in node.targets
            if isinstance(target, ast.Name)
        }
        shown = made.get(shown.id)
    while isinstance(shown, ast.Call | ast.Attribute):
        shown = shown.func if isinstance(shown, ast.Call) else shown.value
    return shown.id if isinstance(shown, ast.Name) else None


def imported(cells: list[dict], room: str) -> set[str]:
    """Return the names that cells import from a room of labkit."""
    names = set()
    for cell in cells:
        if cell["cell_type"] == "code":
            for node in ast.walk(ast.parse(source(cell))):
                if isinstance(node, ast.ImportFrom) and (node.module or "").startswith(room):
                    names |= {alias.asname or alias.name for alias in node.names}
    return names


def count(path: Path) -> Counted:
    """Take a notebook apart and count it."""
    cells = read(path)
    core, exercises, reading = Part("core"), Part("exercises"), Part("read on")
    sections: list[Part] = []
    here = core
    for cell in cells:
        text = source(cell)
        if cell["cell_type"] == "markdown":
            if text.startswith("## Exercises"):
                here = exercises
            elif text.startswith("## Read on"):
                here = reading
            elif text.startswith("### ") and here not in (core, exercises, reading):
                here = Part(_title(text))
                sections.append(here)
        here.cells.append(cell)
        if text.startswith(DIVIDER):
            here = Part("divider")
    moving = imported(cells, "labkit.explorers")
    drawing = imported(cells, "labkit.plots")
    for part in (core, exercises, *sections):
        part.count(moving, drawing)
    return Counted(path, core, sections, exercises)


def _title(heading: str) -> str:
    return _HEADING.sub(r"\1", heading).removeprefix("### ").strip()


def printed(path: Path) -> dict[str, int]:
    """Return the minutes that a notebook's first cell prints: core, sections and beyond."""
    head = source(read(path)[0])
    found = _HEAD.search(head) or _AFTER.search(head)
    return {name: int(number) for name, number in found.groupdict().items()} if found else {}


def printed_sections(path: Path) -> dict[str, int]:
    """Return the minutes that stand in the headings below the divider, by title."""
    texts = [source(cell) for cell in read(path) if cell["cell_type"] == "markdown"]
    return {
        title: int(n)
        for title, n in map(re.Match.groups, filter(None, map(_HEADING.fullmatch, texts)))
    }


def whole(minutes: float) -> int:
    """Return minutes as they are printed: at least one."""
    return max(1, round(minutes))


def row(path: Path) -> tuple[str, str]:
    """Return what a table prints of a notebook: the minutes in the lab, and those beyond it."""
    told = printed(path)
    return (
        (str(told["core"]), str(told["beyond"]))
        if "beyond" in told
        else ("after", str(told["core"]))
    )


def ends(text: str, path: Path) -> list[tuple[str, str]]:
    """Return the last two cells of each table row that speaks of a notebook."""
    number = int(path.stem[:2])
    rows = re.findall(rf"^\|.*(?:{path.name}|\*\*{number}\. ).*\|$", text, flags=re.M)
    return [tuple(cell.strip() for cell in found.split("|")[-3:-1]) for found in rows]


def tabulate(text: str) -> str:
    """Return a text with tables of notebooks, the last two cells of their rows written again."""
    for path in NOTEBOOKS:
        number, numbers = int(path.stem[:2]), " | ".join(row(path))
        text = re.sub(
            rf"^(\|.*(?:{path.name}|\*\*{number}\. ).*)\|[^|\n]*\|[^|\n]*\|$",
            rf"\1| {numbers} |",
            text,
            flags=re.M,
        )
    return text


def write(counted: Counted) -> None:
    """Put the counted minutes into a notebook's first cell and into its headings."""
    path, minutes = counted.path, {part.title: whole(part.minutes) for part in counted.sections}
    notebook = json.loads(path.read_text(encoding="utf-8"))
    for number, cell in enumerate(notebook["cells"]):
        text = before = source(cell)
        if number == 0:
            core = whole(counted.core.minutes)
            text = _AFTER.sub(f"After the lab: about {core} minutes", text)
            text = _HEAD.sub(
                f"In the lab: {core} minutes, down to *Going deeper*. Beyond: "
                f"{len(minutes)} sections, about {whole(counted.beyond)} minutes",
                text,
            )
        elif (
            cell["cell_type"] == "markdown" and text.startswith("### ") and _title(text) in minutes
        ):
            text = f"### {_title(text)} ({minutes[_title(text)]} min)"
        if text != before:
            cell["source"] = text.splitlines(keepends=True)
    save(path, notebook)


def write_tables() -> None:
    """Put the minutes of all notebooks into the tables of the README and of notebook 0."""
    readme = ROOT / "README.md"
    readme.write_text(tabulate(readme.read_text(encoding="utf-8")), encoding="utf-8")
    notebook = json.loads(NOTEBOOKS[0].read_text(encoding="utf-8"))
    for cell in notebook["cells"]:
        if cell["cell_type"] == "markdown":
            cell["source"] = tabulate(source(cell)).splitlines(keepends=True)
    save(NOTEBOOKS[0], notebook)


def save(path: Path, notebook: dict) -> None:
    """Write a notebook as Jupyter does."""
    text = json.dumps(notebook, indent=1, ensure_ascii=False)
    path.write_text(text + "\n", encoding="utf-8")


def main(arguments: list[str]) -> None:
    """Print the table of all notebooks, or of those named; with --write, write the numbers."""
    names = [name for name in arguments if not name.startswith("--")]
    total = 0.0
    for path in NOTEBOOKS:
        if names and not any(name in path.stem for name in names):
            continue
        counted = count(path)
        if "--write" in arguments:
            write(counted)
        core = counted.core
        total += core.minutes if path.stem != "08_faster" else 0
        print(
            f"{path.stem:<18} core {core.minutes:5.1f} min ({core.words} words, {core.runs} cells, "
            f"{core.lines} lines, {core.predictions} predictions, {core.explorers} explorers, "
            f"{core.figures} figures, {core.waiting} s waiting); beyond {counted.beyond:.1f}"
        )
        for part in counted.sections if names else []:
            print(f"    {part.minutes:5.1f}  {part.title} ({part.words} words, {part.runs} cells)")
        if names:
            print(f"    {counted.exercises.minutes:5.1f}  exercises, without the folded hints")
    print(f"the core, 00 to 07: {total:.1f} minutes")
    if "--write" in arguments and not names:
        write_tables()


if __name__ == "__main__":
    main(sys.argv[1:])
