"""The form of every notebook; what its cells do is tested by running it with nbval."""

import ast
import json
import re
import statistics
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
KERNEL = {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"}

each_notebook = pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)


def read(path):
    return json.loads(path.read_text(encoding="utf-8"))


def sources(path, kind):
    return ["".join(c["source"]) for c in read(path)["cells"] if c["cell_type"] == kind]


def test_the_series_is_complete():
    expected = "setup tensors dataloader cnn loss_optimizer training evaluation gpu faster"
    names = [f"{number:02d}_{name}" for number, name in enumerate(expected.split())]
    assert [path.stem for path in NOTEBOOKS] == names


@each_notebook
def test_git_holds_no_outputs_and_no_widget_state(path):
    notebook = read(path)
    code = [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]
    assert all(cell["outputs"] == [] and cell["execution_count"] is None for cell in code)
    assert notebook["metadata"]["kernelspec"] == KERNEL
    assert "widgets" not in notebook["metadata"]


@each_notebook
def test_cells_are_plain_python_that_imports_its_helpers_from_labkit(path):
    cells = sources(path, "code")
    for cell in cells:
        tree = ast.parse(cell)  # a magic or a shell escape is no Python
        assert not cell.rstrip().endswith(";"), cell
        for node in ast.walk(tree):
            if isinstance(node, ast.ImportFrom):
                assert all(name.name != "*" for name in node.names), cell
    text = "\n".join(cells)
    assert re.search(r"^from labkit|^import labkit", text, re.MULTILINE)
    assert "pyplot" not in text


@each_notebook
def test_cells_are_short(path):
    lengths = [len(cell.splitlines()) for cell in sources(path, "code")]
    assert statistics.median(lengths) <= 6
    assert sum(length > 15 for length in lengths) <= 3


@each_notebook
def test_no_class_or_function_is_defined_twice(path):
    names = [
        node.name
        for cell in sources(path, "code")
        for node in ast.parse(cell).body
        if isinstance(node, ast.FunctionDef | ast.ClassDef)
    ]
    assert sorted(names) == sorted(set(names))


@each_notebook
def test_facts_are_asserted(path):
    assert sum(cell.count("assert ") for cell in sources(path, "code")) >= 3


@each_notebook
def test_the_first_cell_says_where_one_is_and_how_long_it_takes(path):
    first = sources(path, "markdown")[0]
    at = NOTEBOOKS.index(path)
    neighbours = [*NOTEBOOKS[max(at - 1, 0) : at], *NOTEBOOKS[at + 1 : at + 2]]
    assert first.startswith(f"# {int(path.stem[:2])}. ")
    assert all(f"({neighbour.name})" in first for neighbour in neighbours)
    assert re.search(r"\d+ minutes", first)
    assert "ou will be able to" in first


@each_notebook
def test_the_minutes_are_those_of_the_readme(path):
    minutes = re.search(r"(\d+) minutes", sources(path, "markdown")[0]).group(1)
    row = next(r for r in (ROOT / "README.md").read_text().splitlines() if f"/{path.name})" in r)
    assert row.rstrip(" |").endswith(f" {minutes}")


@each_notebook
def test_the_minutes_are_those_of_the_first_notebook(path):
    minutes = re.search(r"(\d+) minutes", sources(path, "markdown")[0]).group(1)
    text = "\n".join(sources(NOTEBOOKS[0], "markdown"))
    number = int(path.stem[:2])
    assert re.search(rf"^\| (?:\[|\*\*){number}\. .*\| {minutes} \|$", text, re.MULTILINE)


@each_notebook
def test_a_link_to_a_notebook_says_its_title(path):
    text = "\n".join(sources(path, "markdown"))
    for number, title, name in re.findall(
        r"\[(?:← )?(\d)\. ([^]→]+?)(?: →)?\]\((\w+\.ipynb)\)", text
    ):
        assert sources(path.parent / name, "markdown")[0].startswith(f"# {number}. {title}\n")


@each_notebook
def test_it_ends_with_a_recap_and_exercises(path):
    text = "\n".join(sources(path, "markdown"))
    assert "\n## Recap" in text
    assert "\n## Exercises" in text or path.stem == "00_setup"


@each_notebook
def test_links_lead_somewhere_and_pictures_say_what_to_see(path):
    text = "\n".join(sources(path, "markdown"))
    for alt, target in re.findall(r"!\[([^]]*)\]\(([^)]+)\)", text):
        assert len(alt) > 30, target
    for target in re.findall(r"\]\(([^)#\s]+)", text):
        if not target.startswith("http"):
            assert (path.parent / target).exists(), target


@each_notebook
def test_nothing_is_called_simple_or_obvious(path):
    text = "\n".join(sources(path, "markdown"))
    assert re.findall(r"\b(?:simply|obviously|just|trivially)\b", text, re.IGNORECASE) == []
