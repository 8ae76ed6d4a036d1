import shutil

import pytest

from labkit.languages import locales
from labkit.text import LANGUAGES
from tests.languages import __main__ as command
from tests.languages import catalogues, guards
from tests.languages.catalogues import LABKIT, PLURALS, Entry, names, read, written
from tests.languages.guards import COMPLETE, of_entry, of_language, of_terms

TERMS = {
    "stride": {"forms": ["paso*"], "source": "d2l", "unless": "strides through"},
    "weight": {"forms": ["peso*"]},
    "never": {"caballete": "stride is paso"},
}
RIGHT = "El **paso** es `2`: en 12.000 imágenes, [0,5](a.md) de $x$ <b>gana</b>"
ENGLISH = "The **stride** is `2`: of 12,000 images, [0.5](a.md) of $x$ <b>win</b>"


@pytest.mark.parametrize("name", names())
@pytest.mark.parametrize("code", COMPLETE)
def test_every_sentence_is_translated_and_says_the_same(code, name):
    assert of_language(code, name) == []


@pytest.mark.parametrize("code", COMPLETE)
def test_the_glossary_names_the_source_of_each_term(code):
    glossary = guards.terms(code)
    assert len(glossary) >= 100
    assert [name for name, row in glossary.items() if name != "never" and not row["source"]] == []
    assert glossary["never"]


def said(*forms, english=ENGLISH, sentence=False, **more):
    entry = Entry(english, said=forms, **more)
    return [why.partition(":")[0] for why in of_entry(entry, "de", TERMS, sentence)]


def test_a_right_translation_passes():
    assert said(RIGHT) == []


def test_decimals_in_a_row_have_semicolons_between_them():
    why, numbers = "decimals in a row", "from 0.1, 0.02 to 3"
    assert said("von 0,1, 0,02 bis 3", english=numbers) == [why]
    assert said("von 0,1; 0,02 bis 3", english=numbers) == []
    fields = "({a:.2f}, {b:.2f})"
    assert said(fields, english=fields, sentence=True) == [why]
    assert said("({a:.2f}; {b:.2f})", english=fields, sentence=True) == []


def test_french_has_its_own_blanks_before_a_colon_and_inside_guillemets():
    right = "Voici\u00a0: «\u00a0x\u00a0»\u202f; x[:, :, 0]"
    plain = ["Voici :", "«\u00a0x »", "« x\u00a0»", "x ;", "x\u00a0?", "x\u202f:"]
    for form in (right, *plain):
        found = list(of_entry(Entry("Here", said=(form,)), "fr", {}, True))
        assert [why.partition(":")[0] for why in found if why.startswith("blank")] == (
            [] if form == right else ["blank"]
        )


@pytest.mark.parametrize(
    ("old", "new", "why"),
    [
        (RIGHT, "", "not translated"),
        ("`2`", "`3`", "markup"),
        ("`2`", "2", "markup"),
        ("$x$", "$y$", "markup"),
        ("a.md", "b.md", "markup"),
        ("<b>", "", "markup"),
        ("**paso**", "*paso*", "markup"),
        ("12.000", "12,000", "numbers"),
        ("12.000", "12.001", "numbers"),
        ("0,5", "0.5", "numbers"),
        ("paso", "salto", "term"),
        ("es `2`", "es `2` caballetes", "never"),
    ],
)
def test_what_differs_is_found(old, new, why):
    assert why in said(RIGHT.replace(old, new))


@pytest.mark.parametrize(
    ("english", "translation", "why"),
    [
        ("{n:,} images", "{n} imágenes", "field"),
        ("Call zero_grad() here", "Llama a cero_grad() aquí", "code"),
        ("x.view(-1) is flat", "x.vista(-1) es plano", "code"),
        ("A `Net`", "Una Net", "code"),
        ("Take 3 of 4", "Toma 3 de 5", "numbers"),
        (" and ", "y", "blank at an end"),
        ("The stride", "El salto", "term"),
    ],
)
def test_what_differs_in_a_sentence_of_labkit_is_found(english, translation, why):
    assert said(translation, english=english, sentence=True) == [why]


def test_what_only_looks_different_passes():
    assert said("Toma 0,5 de 3", english="Take 0.5 of 3", sentence=True) == []
    assert said("weight y bias", english="weight and bias", sentence=True) == []  # their names
    assert said("El paso va", english="He strides through; stride is paso") == []
    assert said("Python 3.14", english="Python 3.14", notes=["numbers: a version"]) == []
    assert list(of_terms("He strides through", "Camina", TERMS)) == []


def test_both_forms_of_a_plural_are_needed():
    english = {"english": "{n} image", "plural": "{n} images", "sentence": True}
    assert said("{n} imagen", "{n} imágenes", **english) == []
    assert said("{n} imagen", **english) == ["2 forms are needed"]
    assert said("{n} imagen", "", **english) == ["2 forms are needed"]
    assert said("{m} imagen", "{n} imágenes", **english) == ["another field in the singular"]
    assert said("{n} imagen", "imágenes", **english) == ["field"]


@pytest.fixture
def begun(tmp_path, monkeypatch):
    """A page of two paragraphs and its Spanish catalogue, which is right."""
    monkeypatch.setattr(locales, "LOCALES", tmp_path)
    monkeypatch.setattr(catalogues, "pages", lambda name: PAGE)
    path = locales.path_of("es", "01_page")
    path.parent.mkdir(parents=True)
    entries = [Entry("One", said=("Uno",)), Entry("a long sentence", said=("una frase larga",))]
    path.write_text(written("es", entries), "utf-8")
    return path


PAGE = ["# One", "a long sentence"]


def wrong():
    return [line.partition(": ")[2].partition(" |")[0] for line in of_language("es", "01_page")]


def test_a_catalogue_that_is_right_passes(begun):
    assert wrong() == []


@pytest.mark.parametrize(
    ("old", "new", "why"),
    [
        ('msgid "One"\n', 'msgid "Two"\n', ["missing", "stale: the English has changed"]),
        ('msgid "One"', '#, fuzzy\nmsgid "One"', ["fuzzy"]),
        ('msgstr "Uno"', 'msgstr ""', ["not translated"]),
        ("larga", "larga\\n- otra", ["blocks: una frase larga\n- otra"]),
        (
            'msgid "One"',
            '#| msgid "Won"\nmsgid "One"',
            ["cleared: fuzzy is gone, and the English it was made for still stands there"],
        ),
        ('"Uno"\n', '"Uno"\n\n#~ msgid "Old"\n#~ msgstr "Viejo"\n', ["obsolete"]),
    ],
)
def test_what_a_catalogue_may_not_hold_is_found(begun, old, new, why):
    text = begun.read_text("utf-8")
    assert old in text
    begun.write_text(text.replace(old, new), "utf-8")
    assert sorted(wrong()) == sorted(why)


def test_a_translation_may_not_break_out_of_its_cell_of_a_table(begun, monkeypatch):
    table = ["| One | a long sentence |\n|---|---|\n| `x` | y |"]
    monkeypatch.setattr(catalogues, "pages", lambda name: table)
    assert wrong() == []
    begun.write_text(begun.read_text("utf-8").replace("Uno", "Uno | dos"), "utf-8")
    assert wrong()[0].startswith("blocks:")


def test_a_catalogue_that_is_not_there_is_said(begun):
    begun.unlink()
    assert of_language("es", "01_page") == ["01_page.po: is not there"]


@pytest.mark.skipif(not shutil.which("msgmerge"), reason="needs GNU gettext")
def test_a_change_in_english_is_marked_and_keeps_the_old_translation(begun, monkeypatch):
    command.merge("es", "01_page")
    assert wrong() == []
    before = begun.read_text("utf-8")
    command.merge("es", "01_page")
    assert begun.read_text("utf-8") == before
    changed = ["# One", "a very long sentence", "quite another one"]
    monkeypatch.setattr(catalogues, "pages", lambda name: changed)
    command.merge("es", "01_page")
    known, obsolete = read(begun)
    assert obsolete == []
    assert known["a very long sentence"].fuzzy and known["quite another one"].said == ("",)
    assert known["a very long sentence"].said == ("una frase larga",)
    assert locales.prose("es", "01_page") == {"One": "Uno"}  # what is fuzzy stays English
    assert sorted(wrong()) == ["fuzzy", "not translated"]


def test_what_is_written_is_read_back(tmp_path):
    entries = [
        Entry('A "quoted"\\ word', said=("x\ty",), notes=["numbers: 3.14 is a version"]),
        Entry("two\nlines", said=("dos\nlíneas\n",), places=["p"]),
        Entry("{n} image", "{n} images", ("{n} imagen", "{n} imágenes")),
    ]
    path = tmp_path / "a.po"
    for code in PLURALS:
        path.write_text(written(code, entries), "utf-8")
        known, _obsolete = read(path)
        assert [vars(known[e.english]) | {"places": e.places} for e in entries] == [
            vars(e) for e in entries
        ]


def test_every_language_has_its_plurals_and_its_catalogue_in_one_place():
    assert set(PLURALS) == LANGUAGES.keys() - {"en"} >= set(COMPLETE)
    assert LABKIT in names() and "03_cnn" in names()
