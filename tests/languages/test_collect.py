import ast
import json
import re

from tests.languages.collect import ROOT, marked, messages


def test_marked_sentences_are_found_with_their_plurals():
    source = """
text = _("One {n}") + N_("Two " "parts")
said = ngettext("{n} image", "{n} images", n) + _(text) + other("not")
"""
    assert marked(source) == [
        ("One {n}", ""),
        ("Two parts", ""),
        ("{n} image", "{n} images"),
    ]


def test_sentences_of_tables_and_of_cells_are_found_where_they_stand():
    found = messages()
    places = {text: message.places for text, message in found.items()}
    assert "doctor.catalogue" in places["The layers in {place} are not part of the model."]
    assert places["This is the gradient of the largest part alone."] == ["checks.faster"]
    assert "01_tensors" in places["260 is too large for eight bits: 260 − 256 = 4."]
    assert "explorers.convolution.compute" in places["edges, left to right"]
    assert found["{n} fault"].plural == "{n} faults"
    assert "{name}" not in found  # nothing to translate
    assert len(found) > 2000


def test_a_cell_makes_words_of_its_own_for_print_alone():
    """What labkit shows is translated; an f-string of a cell could never be."""
    for path in sorted((ROOT / "notebooks").glob("[0-9]*.ipynb")):
        for cell in json.loads(path.read_text(encoding="utf-8"))["cells"]:
            if cell["cell_type"] == "code":
                assert words_outside_print("".join(cell["source"])) == [], path.name


def words_outside_print(source):
    found = []
    for statement in ast.parse(source).body:
        printed = {
            id(part)
            for node in ast.walk(statement)
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "print"
            for part in ast.walk(node)
        }
        for node in ast.walk(statement):
            if isinstance(node, ast.JoinedStr) and id(node) not in printed:
                fixed = (part.value for part in node.values if isinstance(part, ast.Constant))
                found += [text for text in fixed if re.search(r"[^\W\d_]{3}", text)]
    return found


def test_words_in_an_f_string_are_found_but_not_those_that_are_printed():
    source = 'print(f"batch {n}")\nbars(x, title=f"{n} images")\npaths[f"lr={lr}"] = 1'
    assert words_outside_print(source) == [" images"]
