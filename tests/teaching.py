"""Write the instructor's pages that follow from the notebooks: ``python -m tests.teaching``.

The run sheets take their minutes from the notebooks and their sentences from
``notebooks/teaching/run-sheet.toml``. The page of usual mistakes is what the checks know.
``tests/test_teaching.py`` holds the pages to this.
"""

import re
import textwrap
import tomllib

from labkit.checks.engine.general import GENERAL
from labkit.checks.engine.spec import Exercise
from labkit.checks.series import SERIES, exercises
from tests.minutes import NOTEBOOKS, ROOT, Part, count, imported, printed, source, whole

FOLDER = ROOT / "notebooks" / "teaching"
PROSE = tomllib.loads((FOLDER / "run-sheet.toml").read_text(encoding="utf-8"))
CORE = NOTEBOOKS[:8]
ADDED = {
    "02_dataloader": "Nearest neighbour",
    "03_cnn": "Shape coach",
    "05_training": "Overfitting and early stopping",
    "06_evaluation": "Evaluation studio",
}
"""The sections that a lab of 90 minutes adds."""
PAUSES = {
    "01_tensors": (3, 3),
    "03_cnn": (1, 3),
    "04_loss_optimizer": (0, 5),
    "05_training": (1, 3),
}
"""The exercise (0: a break) that a lab of 90 minutes does behind a notebook, and its minutes."""

SLIDES, CLOSING = 5, 5
"""Minutes before and after the run sheet of 60 minutes; that of 90 has its own at the end."""
CUT = {
    "00_setup": ("Recipe",),
    "02_dataloader": ("Device",),
    "04_loss_optimizer": ("Loss landscape",),
    "05_training": ("One step",),
    "06_evaluation": ("Accuracy per class",),
    "07_gpu": ("Devices", "Model and batch", "Speed"),
}
"""What makes room for slides and closing questions where 60 minutes are all there are."""


def sections(path) -> list[Part]:
    """Return the core of a notebook as its sections, each counted; the recap is none."""
    cells = count(path).core.cells
    parts: list[Part] = []
    for cell in cells:
        text = source(cell)
        if cell["cell_type"] == "markdown" and text.startswith("## "):
            parts.append(Part(text.splitlines()[0].removeprefix("## ").strip()))
        if parts:
            parts[-1].cells.append(cell)
    moving = imported(cells, "labkit.explorers")
    drawing = imported(cells, "labkit.plots")
    for part in parts:
        part.count(moving, drawing)
    return [part for part in parts if part.title not in ("Recap", "Going deeper")]


def timed(path) -> list[tuple[str, float]]:
    """Return the sections of a core with their minutes, which add up to those that are printed."""
    parts = sections(path)
    scale = printed(path)["core"] / sum(part.minutes for part in parts)
    return [(part.title, part.minutes * scale) for part in parts]


def cut() -> list[tuple[str, str, float]]:
    """Return what to leave out where 60 minutes are all there are: notebook, section, minutes."""
    return [
        (path.stem, title, minutes)
        for path in CORE
        for title, minutes in timed(path)
        if title.startswith(CUT.get(path.stem, ()))
    ]


def _more(path) -> list[Part]:
    """Return the sections of a notebook that a lab of 90 minutes adds."""
    added = ADDED.get(path.stem)
    return [part for part in count(path).sections if added and part.title.startswith(added)]


def clock(minutes: float) -> str:
    """Return minutes since the start as ``1:05``."""
    return "{}:{:02}".format(*divmod(int(minutes), 60))


def run_sheet(length: int) -> str:
    """Return the run sheet of a lab of 60 or 90 minutes, in Markdown."""
    lines, now = [_HEAD.format(length=length), _lesson(length)], 0
    for path in CORE:
        told, more = printed(path)["core"], _more(path) if length == 90 else []
        end = now + told + sum(whole(part.minutes) for part in more)
        title = source(count(path).core.cells[0]).splitlines()[0].removeprefix("# ")
        lines += [f"\n## {clock(now)} to {clock(end)} · {title}\n", *_TABLE]
        at = float(now)
        for part_title, minutes in timed(path):
            lines.append(_row(path.stem, part_title, at))
            at += minutes
        at = now + told
        for part in more:
            lines.append(_row(path.stem, part.title, at, " (below *Going deeper*)"))
            at += whole(part.minutes)
        prose, now = PROSE[path.stem], end
        lines += [f"\n**Stuck?** {prose['stuck']}\n", f"**Late?** {prose['late']}"]
        if length == 90 and path.stem in PAUSES:
            number, minutes = PAUSES[path.stem]
            what, how = _pause(path.stem, number)
            lines.append(f"\n## {clock(now)} to {clock(now + minutes)} · {what}\n\n{how}")
            now += minutes
    if now < length:
        lines.append(f"\n## {clock(now)} to {clock(length)} · Questions to close with")
        lines.append("\nTwo or three of [these](questions.md).")
    else:
        lines.append(f"\n## {clock(now)} to {clock(now + CLOSING)} · Questions to close with")
        lines.append("\nTwo or three of [these](questions.md), after the hour.")
    return "\n".join(lines) + "\n"


def _lesson(length: int) -> str:
    """Return how the run sheet, the slides and the closing questions fit into a lesson."""
    if length > 60:
        spared = sum(minutes for number, minutes in PAUSES.values() if number)
        [last] = _more(CORE[6])
        text = _BOOK_MORE.format(
            all=length + SLIDES, length=length, told=last.title, spared=spared + whole(last.minutes)
        )
    else:
        told = ", ".join(f"*{title}* ({stem[1]})" for stem, title, _m in cut() if stem != "07_gpu")
        spared = int(sum(minutes for _stem, _title, minutes in cut()))
        text = _BOOK.format(all=length + SLIDES + CLOSING, told=told, spared=spared)
    return "\n" + textwrap.fill(text, 100)


def _pause(stem: str, number: int) -> tuple[str, str]:
    """Return the heading of a break or an exercise, and what is to be known of it."""
    if not number:
        return "A break", "The notebooks may stay open."
    name = exercises(stem[3:])[number - 1].name
    return f"Exercise {number} of notebook {stem[1]}", (
        f"`{name}`, under *Exercises* at the end. Alone, or in pairs with one keyboard; here are "
        f"[the usual wrong answers](mistakes.md#{stem[1]}{number}-{name})."
    )


def _row(stem: str, title: str, at: float, where: str = "") -> str:
    prose = PROSE[stem][title]
    says = [prose.get("show", ""), f"**Ask:** {prose['ask']}" if "ask" in prose else ""]
    told = "<br>".join(filter(None, says))
    return f"| {clock(at)} | {title}{where} | {told} | {prose.get('wrong', '')} |"


_BOOK = (
    f"**Book {{all}} minutes:** {SLIDES} for the slides, 60 for the run sheet, {CLOSING} for the "
    "questions at the end. **Is the room yours for 60 minutes in all, or do you begin ten minutes "
    "late?** Then leave notebook 7 for home, and let learners run the cells of these sections "
    "without stopping at them: {told}. That spares about {spared} minutes."
)
_BOOK_MORE = (
    f"**Book {{all}} minutes:** {SLIDES} for the slides, then the run sheet. **Is the room yours "
    "for {length} minutes in all, or do you begin ten minutes late?** Then leave out the exercises "
    "between the notebooks, and *{told}* (6). That spares {spared} minutes."
)

_TABLE = [
    "| clock | section | show and ask | likely wrong, and what is right |",
    "|---|---|---|---|",
]
_HEAD = """# Run sheet: {length} minutes

0:00 is the first key that learners press; the [slides](slides.html) come before. The notebooks ask
for predictions of their own; **Ask** is what you say aloud. Whoever falls behind
[jumps in](README.md#who-has-fallen-behind); whoever is early takes an exercise, or a section below
*Going deeper*.

The wrong answers are what we expect, from the checks and from forums; nobody has counted them in a
class. The clock is counted from the notebooks: after a change, `make minutes` writes this page
again, with the sentences of `run-sheet.toml`."""


def mistakes() -> str:
    """Return the usual wrong answers to every exercise, in Markdown."""
    lines = [_MISTAKES, "| name | what the check says |", "|---|---|"]
    for rule in GENERAL:
        said = re.sub(r"{.+?}", "…", rule.sentence)
        lines += [f"| {rule.name} | {_cell(said)} |"] if rule.name else []
    for number, (notebook, title) in enumerate(SERIES.items(), start=1):
        lines.append(f"\n## {number}. {title}")
        for exercise in exercises(notebook):
            lines += [f"\n### {number}.{exercise.number} {exercise.name}\n"]
            lines += ["| what learners write | what the check says |", "|---|---|"]
            for wrong, mistake in zip(exercise.sentences, exercise.mistakes, strict=True):
                name = _cell(right_answer(mistake.name, exercise))
                name = name if callable(wrong) else f"`` {name} ``"
                lines += [f"| {name} | {_cell(mistake.sentence)} |"]
    return "\n".join(lines) + "\n"


def right_answer(code: str, exercise: Exercise) -> str:
    """Return code in which whatever gives the right answer has the name of the exercise."""
    own = [f"{exercise.name}.judge(", f"{exercise.name}.solution("]
    judge = getattr(exercise.judge, "__name__", "")
    own += [f"{judge}("] if judge.startswith("_") else []  # others are PyTorch's
    for call in own:
        code = code.replace(call, f"{exercise.name}(")
    return code


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


_MISTAKES = """# Usual wrong answers, exercise by exercise

Made by `make minutes` from the checks, which answer each of these by its own sentence. On the left
are the names in the table of `python -m labkit.checks.export`. Most are code: a whole answer, or
the lines that differ from the solution. *without* a line means that it is missing, *(elsewhere)*
that it is in another place. The name of the exercise with brackets, e.g. `grey(image)`, stands for
the right answer (in the table, `grey.judge(image)`). Keep this page to yourself: it gives the
answers away.

## In any exercise
"""


def pages() -> dict[str, str]:
    """Return every page that is made here, by file name."""
    return {
        "run-sheet-60.md": run_sheet(60),
        "run-sheet-90.md": run_sheet(90),
        "mistakes.md": mistakes(),
    }


if __name__ == "__main__":
    for name, text in pages().items():
        (FOLDER / name).write_text(text, encoding="utf-8")
