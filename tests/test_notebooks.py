"""The form of every notebook; what its cells do is tested by running it with nbval."""

import ast
import json
import re
import statistics

import pytest

from labkit.text import LANGUAGES
from tests.minutes import NOTEBOOKS, PREDICT, ROOT, printed

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
    assert sum(length > 16 for length in lengths) <= 3


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
    assert "core" in printed(path)
    assert "ou will be able to" in first


@each_notebook
def test_core_recap_divider_sections_exercises_and_reading_come_in_this_order(path):
    headings = [text for text in sources(path, "markdown") if text.startswith("#")][1:]
    wanted = ["## Recap", "## Going deeper", "## Exercises", "## Read on"]
    if path.stem == "08_faster":
        wanted.remove("## Going deeper")
    assert [heading for heading in headings if heading in wanted] == wanted
    if "## Going deeper" in headings:
        below = headings.index("## Going deeper"), headings.index("## Exercises")
        assert all(heading.startswith("### ") for heading in headings[below[0] + 1 : below[1]])
        assert all(heading.startswith("## ") for heading in headings[: below[0]])


@each_notebook
def test_a_heading_has_a_cell_of_its_own(path):
    for text in sources(path, "markdown")[1:]:
        if re.search(r"^#{1,4} ", re.sub(r"```.*?```", "", text, flags=re.S), re.MULTILINE):
            assert "\n" not in text.strip(), text


@each_notebook
def test_cells_below_the_divider_are_tagged_and_guards_are_folded(path):
    below = False
    for cell in read(path)["cells"]:
        tags = cell["metadata"].get("tags", [])
        assert ("deeper" in tags) == below, cell["source"]
        below = below or "".join(cell["source"]) == "## Going deeper"
        hidden = cell["metadata"].get("jupyter", {}).get("source_hidden", False)
        assert hidden == bool({"check", "predict"} & set(tags)), cell["source"]


@each_notebook
def test_a_place_for_a_guess_stands_under_its_question(path):
    cells = read(path)["cells"]
    for before, cell in zip(cells, cells[1:], strict=False):
        if "predict" in cell["metadata"].get("tags", []):
            assert PREDICT in "".join(before["source"])
        elif cell["cell_type"] == "code":
            assert "Guess(" not in "".join(cell["source"])


@each_notebook
def test_no_cell_gives_two_values_to_a_name_of_another_cell(path):
    """A name that means one thing in the core must not mean another below it."""
    core, deeper = set(), set()
    for cell in read(path)["cells"]:
        if cell["cell_type"] != "code":
            continue
        nodes = ast.parse("".join(cell["source"])).body
        names = {
            target.id
            for node in nodes
            if isinstance(node, ast.Assign)
            for target in ast.walk(ast.Tuple(node.targets))
            if isinstance(target, ast.Name) and isinstance(target.ctx, ast.Store)
        }
        (deeper if "deeper" in cell["metadata"].get("tags", []) else core).update(names)
    passing = "image images label labels outputs logits loss predictions x"
    assert core & deeper <= set(passing.split())


@each_notebook
def test_a_link_to_a_notebook_says_its_title(path):
    text = "\n".join(sources(path, "markdown"))
    for number, title, name in re.findall(
        r"\[(?:← )?(\d)\. ([^]→]+?)(?: →)?\]\((\w+\.ipynb)\)", text
    ):
        assert sources(path.parent / name, "markdown")[0].startswith(f"# {number}. {title}\n")


@each_notebook
def test_links_lead_somewhere_and_pictures_say_what_to_see(path):
    text = "\n".join(sources(path, "markdown"))
    for alt, target in re.findall(r"!\[([^]]*)\]\(([^)]+)\)", text):
        assert len(alt) > 30, target
    for target in re.findall(r"\]\(([^)#\s]+)", text):
        if not target.startswith("http"):
            language, _slash, english = target.partition("/")  # an edition has the same files
            target = english if language in LANGUAGES else target
            assert (path.parent / target).exists(), target


@each_notebook
def test_it_leads_out_to_the_world(path):
    text = "\n".join(sources(path, "markdown"))
    reading = text[text.index("\n## Read on") :]
    assert 3 <= len(re.findall(r"\]\(https://", reading)) <= 5


FORBIDDEN = (
    r"simply|obviously|just|trivially|trainings|shall|anew|heed|heeds|mend|mends|mended|pictures?"
)


@pytest.mark.parametrize(
    "path", [*NOTEBOOKS, ROOT / "notebooks" / "glossary.md"], ids=lambda p: p.stem
)
def test_the_words_are_those_that_a_teacher_would_say(path):
    text = path.read_text() if path.suffix == ".md" else "\n".join(sources(path, "markdown"))
    text = re.sub(r"```.*?```|`[^`]*`|\]\([^)]*\)", " ", text, flags=re.S)
    assert re.findall(rf"\b(?:{FORBIDDEN})\b", text, re.IGNORECASE) == []


TERMS = " ".join(
    """
activation, augmentation, backpropagation, baseline, batch normalisation, batch, chain rule,
checkpoint, computation graph, confusion matrix, cross-entropy, early stopping, epoch, feature
map, fully connected layer, generalisation, gradient, hyperparameter, kernel, learning rate,
learning-rate scheduler, logits, loss, mini-batch, momentum, optimizer, overfitting, parameter,
receptive field, regularisation, skip connection, softmax, stride, supervised learning, tensor,
transfer learning, underfitting, validation, weight decay
""".split()
).split(", ")


GLOSSARY = ROOT / "notebooks" / "glossary.md"
_ENTRY = re.compile(r"- (\*\*.+?): (?:.+ \((\d(?:, \d)*)\)|see .+\.)")


def entries():
    """Return the names on each line of the glossary, and the numbers of its notebooks."""
    lines = [line for line in GLOSSARY.read_text().splitlines() if line.startswith("- ")]
    found = [_ENTRY.fullmatch(line) or pytest.fail(line) for line in lines]
    return [(re.findall(r"\*\*(.+?)\*\*", one[1].lower()), one[2] or "") for one in found]


def bold(text):
    """Return what stands in bold, with the word after it: **fully connected** (or dense) layer."""
    text = re.sub(r"\[(\*\*[^]]*)\]\([^)]*\)", r"\1", text)  # a link is its text
    text = re.sub(r"(\*\*) \([^)*]*\)", r"\1", text)  # what follows in parentheses is left out
    return [" ".join(found).lower() for found in re.findall(r"\*\*([^*]+)\*\*(?: (\w+))?", text)]


def test_every_term_of_the_field_has_its_line_in_the_glossary_and_its_place_in_a_notebook():
    defined = [name for names, _numbers in entries() for name in names]
    shown = "\n".join(bold("\n".join("\n".join(sources(path, "markdown")) for path in NOTEBOOKS)))
    assert [term for term in TERMS if term not in defined] == []
    assert [term for term in TERMS if term not in shown] == []


def test_the_glossary_is_in_alphabetical_order():
    terms = [names[0] for names, _numbers in entries()]
    assert terms == sorted(set(terms))


@each_notebook
def test_a_term_that_links_to_the_glossary_has_a_line_there_with_the_number_of_the_notebook(path):
    text = "\n".join(sources(path, "markdown"))
    linked = re.findall(r"\[\*\*([^*]+)\*\*\]\(glossary\.md\)", text)
    here = [
        name.removesuffix("s")
        for names, numbers in entries()
        for name in names
        if str(int(path.stem[:2])) in numbers
    ]
    assert [
        term
        for term in linked
        if term.lower().removesuffix("s") not in here and f"{term.lower()} layer" not in here
    ] == []


def test_the_plain_program_is_shown_and_the_glossary_is_linked():
    assert "cifar10_classifier.py" in "\n".join(sources(NOTEBOOKS[6], "markdown"))
    assert all("(glossary.md)" in "\n".join(sources(path, "markdown")) for path in NOTEBOOKS)
