"""The printed minutes are those that the formula of ``tests.minutes`` counts."""

import re

import pytest

from tests import minutes
from tests.minutes import NOTEBOOKS, ROOT, count, printed, printed_sections, source, whole

each_notebook = pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)


def close(number, counted):
    """Say whether a printed number is the counted one within 20 %, or within half a minute."""
    return abs(number - counted) <= max(0.2 * counted, 0.5)


@each_notebook
def test_the_head_prints_what_is_counted(path):
    counted, told = count(path), printed(path)
    assert close(told["core"], counted.core.minutes)
    if counted.sections:
        assert told["sections"] == len(counted.sections)
        assert close(told["beyond"], counted.beyond)


@each_notebook
def test_each_section_prints_its_own_minutes(path):
    counted, told = count(path), printed_sections(path)
    assert set(told) == {part.title for part in counted.sections}
    for part in counted.sections:
        assert close(told[part.title], part.minutes), part.title


def test_the_core_is_an_hour():
    cores = [count(path).core for path in NOTEBOOKS[:-1]]
    assert 50 <= sum(core.minutes for core in cores) <= 60
    assert sum(printed(path)["core"] for path in NOTEBOOKS[:-1]) <= 60
    assert sum(core.waiting for core in cores) <= 90  # seconds, with photographs on two cores
    assert 16 <= sum(core.predictions for core in cores) <= 20


@pytest.mark.parametrize("place", ["README.md", "notebooks/00_setup.ipynb"])
def test_the_tables_print_what_the_heads_print(place):
    file = ROOT / place
    text = file.read_text() if file.suffix == ".md" else "\n".join(map(source, minutes.read(file)))
    for path in NOTEBOOKS:
        assert minutes.row(path) in [cell for cell in minutes.ends(text, path)], path.stem


def test_a_formula_that_is_known_by_hand():
    part = minutes.Part("sample")
    prose = "word " * 100 + "\n\n**Before you run it:** one two three four? ![alt text](a.png)"
    cells = [("markdown", prose), ("code", "x = 1\n\nExplorer(x)"), ("code", "draw(x).alt")]
    for kind, text in cells:
        part.cells.append({"cell_type": kind, "source": [text], "metadata": {}})
    part.cells.append(
        {"cell_type": "code", "source": ["assert x"], "metadata": {"tags": ["check"]}}
    )
    guess = 'Guess(4, "five six seven")'
    part.cells.append({"cell_type": "code", "source": [guess], "metadata": {"tags": ["predict"]}})
    part.count({"Explorer", "Guess"}, {"draw"})
    assert (part.lines, part.runs, part.predictions, part.explorers, part.figures) == (
        3,
        2,
        1,
        1,
        2,
    )
    seconds = 111 * 60 / 200 + 3 * 4 + 2 * 6 + 20 + 90 + 2 * 15
    assert part.minutes == pytest.approx(seconds / 60)


def test_hints_and_solutions_do_not_count_and_folded_answers_do():
    fold = "<details>\n<summary>{}</summary>\n\none two three\n\n</details>"
    heard = {
        name: minutes._read_aloud(fold.format(name)).split() for name in ("Hint", "What we saw")
    }
    assert heard["Hint"] == [] and len(heard["What we saw"]) == 6


def test_marks_are_no_words():
    text = "| [one](a.ipynb) · **two** |\n|---|\n\n- three\n- `four` − 5"
    assert minutes._read_aloud(text).split() == ["one", "two", "three", "four", "−", "5"]


def test_whole_minutes_are_at_least_one():
    assert [whole(minutes) for minutes in (0.2, 1.4, 7.6)] == [1, 1, 8]


def test_waiting_is_read_from_the_text():
    text = "**Takes about 40 seconds** with photographs on two cores, 9 with the drawn images."
    assert re.findall(minutes._WAIT, text) == ["40"]
