from tests.languages.collect import marked, messages


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
