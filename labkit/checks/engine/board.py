"""What is solved, in this notebook and in the series, kept in the learner's folder."""

import json
import os
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from filelock import FileLock

from labkit import classroom
from labkit.display import GREEN, Html, card, escaped, table
from labkit.files import replace, work
from labkit.text import _

FORMAT = 1
FILE = "progress.json"


class ProgressError(ValueError):
    """Says in words why a file of progress cannot be read."""


@dataclass(frozen=True)
class Entry:
    """One exercise that was tried.

    ``tries`` counts up to the first right answer, ``solved`` is when that came (UTC, "" if not
    yet), and ``mistakes`` says how often each known mistake was made before it.
    """

    tries: int = 0
    solved: str = ""
    mistakes: dict[str, int] = field(default_factory=dict)


Progress = dict[str, dict[str, Entry]]
"""Notebook (``tensors``), exercise (``grey``) -> entry."""


def path() -> Path:
    """Return where progress is kept: ``LABKIT_PROGRESS``, else beside the checkpoints."""
    named = os.environ.get("LABKIT_PROGRESS")
    return Path(named) if named else work().parent / FILE


def read(file: Path | None = None) -> Progress:
    """Return what ``read_signed`` does, without the name."""
    return read_signed(file)[1]


def read_signed(file: Path | None = None) -> tuple[str, Progress]:
    """Return the name of the user who wrote ``file``, "" if it does not say, and what it holds.

    ``file`` is by default the learner's; where it is missing, there is no progress. Raises
    ``ProgressError`` if the file holds something else or cannot be opened.
    """
    file = file or path()
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
        if content["format"] != FORMAT:
            raise ValueError
        progress = {
            str(notebook): {str(name): _entry(entry) for name, entry in entries.items()}
            for notebook, entries in content["notebooks"].items()
        }
        return str(content.get("learner", "")), progress
    except FileNotFoundError:
        return "", {}
    except OSError as error:
        message = _("{file} cannot be read: {reason}.")
        raise ProgressError(message.format(file=file, reason=error.strerror or error)) from error
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        message = _("{file} holds no progress that can be read. Move it away to start again.")
        raise ProgressError(message.format(file=file)) from error


def _entry(content: dict) -> Entry:
    mistakes = {str(name): int(n) for name, n in content.get("mistakes", {}).items()}
    return Entry(int(content["tries"]), str(content["solved"]), mistakes)


def note(notebook: str, name: str, *, solved: bool, mistake: str = "", said: str = "") -> str:
    """Count a try until the exercise is solved; return a complaint, empty if all is well.

    notebook, name: of the exercise
    solved: whether the answer is right
    mistake: the name of the known mistake that the answer makes (default: "", none is known)
    said: the English sentence about it, which only the page of the class shows (default: "")

    The file is replaced in one step, and two kernels write to it one after the other. A file
    that cannot be read is kept beside the new one.
    """
    classroom.note(notebook, name, solved=solved, mistake=mistake, said=said)
    file = path()
    complaint = ""
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(file.with_name(f".{file.name}.lock"), timeout=5):
            try:
                progress = read(file)
            except ProgressError as error:
                if isinstance(error.__cause__, OSError):
                    raise error.__cause__ from None  # it may be sound, and stays where it is
                aside = file.with_name(f"{file.stem}.unreadable{file.suffix}")
                file.replace(aside)
                progress = {}
                text = _("{file} could not be read. It is kept as {aside}.")
                complaint = text.format(file=file.name, aside=aside.name)
            entries = progress.setdefault(notebook, {})
            before = entries.get(name, Entry())
            if not before.solved:
                now = datetime.now(UTC).isoformat(timespec="seconds") if solved else ""
                mistakes = Counter(before.mistakes) + Counter([mistake] if mistake else [])
                entries[name] = Entry(before.tries + 1, now, dict(mistakes))
                _write(file, progress)
    except OSError as error:
        text = _("This could not be saved in {file}: {reason}.")
        return text.format(file=file, reason=error.strerror or error)
    return complaint


def _write(file: Path, progress: Progress) -> None:
    content = {
        "format": FORMAT,
        "learner": classroom.user(),
        "notebooks": {
            notebook: {name: vars(entry) for name, entry in entries.items()}
            for notebook, entries in progress.items()
        },
    }
    replace(file, json.dumps(content, indent=1), mode=0o600)


@dataclass(frozen=True)
class Notebook:
    """A line of the board: a heading, and each exercise's name with whether it is solved."""

    heading: str
    marks: tuple[tuple[str, bool], ...]

    @property
    def solved(self) -> int:
        return sum(done for _name, done in self.marks)


@dataclass(frozen=True)
class Board:
    """What is solved: the exercises of one notebook by name, the series as a row of marks."""

    here: Notebook
    series: tuple[Notebook, ...]
    complaint: str = ""

    def _count(self, row: Notebook) -> str:
        return _("{solved} of {all}").format(solved=row.solved, all=len(row.marks))

    def __str__(self) -> str:
        lines = [f"{self.here.heading}: {self._count(self.here)}"]
        lines += [f"  {'✓' if done else '○'} {_spaced(name)}" for name, done in self.here.marks]
        lines.append("")
        for row in self.series:
            marks = "".join("✓" if done else "○" for _name, done in row.marks)
            lines.append(f"{row.heading}: {marks} {self._count(row)}")
        return "\n".join([*lines, *([self.complaint] if self.complaint else [])])

    __repr__ = __str__

    def _repr_html_(self) -> str:
        heading = f"<strong>{escaped(f'{self.here.heading}: {self._count(self.here)}')}</strong>"
        marks = "".join(
            f'<li style="list-style:none"><span aria-hidden="true">{"✓" if done else "○"}</span> '
            f"{escaped(_spaced(name))} <i>{_('solved') if done else _('open')}</i></li>"
            for name, done in self.here.marks
        )
        shown = f'<ul style="margin:.3em 0 0; padding:0">{marks}</ul>'
        rows = [(row.heading, _bar(row), self._count(row)) for row in self.series]
        columns = (_("notebook"), _("progress"), _("solved"))
        series = table(columns, rows, wrapped=(0,), row_heads=True)
        return card(Html(heading), Html(shown), self.complaint) + series


def _bar(row: Notebook) -> Html:
    share = 100 * row.solved / len(row.marks)
    return Html(
        '<div aria-hidden="true" style="width:6em; height:.6em; border:1px solid">'
        f'<div style="width:{share:.0f}%; height:100%; background:{GREEN}"></div></div>'
    )


def _spaced(name: str) -> str:
    return name.replace("_", " ")
