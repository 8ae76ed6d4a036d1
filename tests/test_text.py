import builtins
import copy
import json
import os
import sys
from pathlib import Path

import pytest

from labkit import text
from labkit.text import LANGUAGES, Sentence, _, language, ngettext, with_signs, written


@pytest.fixture
def german(tmp_path, monkeypatch):
    """A catalogue of three sentences; the language is German."""
    folder = tmp_path / "de" / "LC_MESSAGES"
    folder.mkdir(parents=True)
    source = folder / "labkit.po"
    source.write_text(
        'msgid ""\nmsgstr ""\n"Content-Type: text/plain; charset=utf-8\\n"\n'
        '"Plural-Forms: nplurals=2; plural=(n != 1);\\n"\n\n'
        'msgid "Loss"\nmsgstr "Verlust"\n\n'
        'msgid "{n:,} image"\nmsgid_plural "{n:,} images"\n'
        'msgstr[0] "{n:,} Bild"\nmsgstr[1] "{n:,} Bilder"\n\n'
        '#, fuzzy\nmsgid "Start"\nmsgstr "Ende"\n',
        encoding="utf-8",
    )
    monkeypatch.setattr(text, "LOCALES", tmp_path)
    monkeypatch.setenv("LABKIT_LANGUAGE", "de")
    text.catalogue.cache_clear()
    yield source
    text.catalogue.cache_clear()


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ({}, "en"),
        ({"LANG": "de_DE.UTF-8", "LANGUAGE": "de"}, "en"),
        ({"JPY_SESSION_NAME": "/home/ada/workshop/notebooks/pt_BR/03_cnn.ipynb"}, "pt_BR"),
        ({"JPY_SESSION_NAME": "/home/de/workshop/notebooks/03_cnn.ipynb"}, "en"),
        ({"JPY_SESSION_NAME": "notebooks/fr/mine/test.ipynb"}, "fr"),
        ({"JPY_SESSION_NAME": "notebooks/fr/03_cnn.ipynb", "LABKIT_LANGUAGE": "es"}, "es"),
        ({"LABKIT_LANGUAGE": "pt-br"}, "pt_BR"),
        ({"LABKIT_LANGUAGE": "pt"}, "pt_BR"),
        ({"LABKIT_LANGUAGE": "de_AT.UTF-8"}, "de"),
        ({"LABKIT_LANGUAGE": "eo", "JPY_SESSION_NAME": "notebooks/fr/03_cnn.ipynb"}, "en"),
    ],
)
def test_the_language_is_that_of_the_open_notebook_not_of_the_system(
    environment, expected, monkeypatch
):
    for name in ("LABKIT_LANGUAGE", "JPY_SESSION_NAME"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert language() == expected


def test_without_a_notebook_the_folder_says_it(tmp_path, monkeypatch):
    monkeypatch.delenv("LABKIT_LANGUAGE", raising=False)
    monkeypatch.delenv("JPY_SESSION_NAME", raising=False)
    (tmp_path / "notebooks" / "es").mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "notebooks" / "es")
    assert language() == "es"


def test_a_sentence_is_found_and_one_that_is_fuzzy_or_missing_stays_english(german):
    assert [_("Loss"), _("Start"), _("Nobody translated this.")] == [
        "Verlust",
        "Start",
        "Nobody translated this.",
    ]
    assert _("") == ""


def test_numbers_in_a_sentence_are_written_as_its_language_does(german):
    assert ngettext("{n:,} image", "{n:,} images", 1).format(n=1) == "1 Bild"
    assert ngettext("{n:,} image", "{n:,} images", 1234).format(n=12345) == "12.345 Bilder"
    assert _("{a:.2f} {b:+.1%} {c!s} {d} {e}").format(a=0.5, b=0.125, c=0.5, d="0.5", e=[0.5]) == (
        "0,50 +12,5\u00a0% 0.5 0.5 [0.5]"
    )
    assert _("lr={lr:g} {lr:g}").format(lr=0.5) == "lr=0.5 0,5"
    assert with_signs("53%, 3.2 of file.tar.gz") == "53\u00a0%, 3,2 of file.tar.gz"


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("en", "1,234.5 | 12,345 | 81%"),
        ("es", "1234,5 | 12\u202f345 | 81\u00a0%"),
        ("pt_BR", "1.234,5 | 12.345 | 81%"),
        ("fr", "1\u202f234,5 | 12\u202f345 | 81\u202f%"),
        ("de", "1.234,5 | 12.345 | 81\u00a0%"),
    ],
)
def test_each_language_has_its_own_commas_and_points(code, expected, monkeypatch):
    monkeypatch.setenv("LABKIT_LANGUAGE", code)
    said = (written(1234.5, ",.1f"), written(12345, ","), written(0.81, ".0%"))
    assert " | ".join(said) == expected
    assert set(text._SIGNS) == LANGUAGES.keys() - {"en"}


def test_a_sentence_can_be_copied_and_sent(german):
    said = copy.deepcopy(_("Loss"))
    assert json.loads(json.dumps(said)) == "Verlust" and isinstance(said, Sentence)
    assert said.format() == "Verlust" and said.code == "de"


def test_an_older_mo_is_not_read(german):
    built = german.with_suffix(".mo")
    built.write_bytes(text.compiled(german))
    german.write_text(german.read_text("utf-8").replace("Verlust", "Fehler"), "utf-8")
    for age, expected in ((-10, "Fehler"), (10, "Verlust")):
        time = german.stat().st_mtime + age
        os.utime(built, (time, time))
        text.catalogue.cache_clear()
        assert _("Loss") == expected


@pytest.mark.parametrize(
    ("python", "folder", "expected"),
    [
        (".venv/bin/python", ".", ".venv/bin/python"),
        (".venv/Scripts/python.exe", ".", ".venv/Scripts/python"),
        (".venv/bin/python3.13", "notebooks/es", "../../.venv/bin/python3.13"),
        ("../conda/bin/python", ".", "python"),
    ],
)
def test_a_command_names_the_python_of_the_workshop_as_it_is_typed_here(
    python, folder, expected, tmp_path, monkeypatch
):
    (tmp_path / "ws" / folder).mkdir(parents=True, exist_ok=True)
    monkeypatch.setattr(text, "__file__", str(tmp_path / "ws" / "labkit" / "text.py"))
    monkeypatch.setattr(sys, "executable", os.path.normpath(tmp_path / "ws" / python))
    monkeypatch.chdir(tmp_path / "ws" / folder)
    assert text.command("labkit.preflight") == f"{Path(expected)} -m labkit.preflight"


def test_a_command_in_a_cell_is_run_by_ipython(monkeypatch):
    monkeypatch.setattr(builtins, "__IPYTHON__", True, raising=False)
    assert text.command("labkit.preflight") == "%run -m labkit.preflight"
