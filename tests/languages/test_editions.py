import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from labkit.jupyter.reset import reset
from labkit.languages import __main__ as command
from labkit.languages import edition, locales
from labkit.text import LANGUAGES

HERE = Path(__file__).parents[2] / "notebooks"
OTHERS = [code for code in LANGUAGES if code != "en"]

PAGE = """\
# Loss

[1. Tensors](01_tensors.ipynb) ![A map](../images/map.png) [English](00_loss.ipynb) \
[Deutsch](de/00_loss.ipynb)
"""


def _cell(kind, source):
    more = {"outputs": [{"old": 1}], "execution_count": 3} if kind == "code" else {}
    return {"id": "a", "cell_type": kind, "metadata": {}, "source": source, **more}


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A workshop of one notebook, and its German catalogue."""
    monkeypatch.setattr(locales, "LOCALES", tmp_path / "locales")
    notebook = {"cells": [_cell("markdown", [PAGE]), _cell("code", ["loss = 1  # Loss"])]}
    folder = tmp_path / "notebooks"
    folder.mkdir()
    (folder / "00_loss.ipynb").write_text(json.dumps(notebook | {"metadata": {}}), "utf-8")
    (folder / "mine.py").write_text("learner = 1")
    locales.path_of("de", "00_loss").parent.mkdir(parents=True)
    _translate("Verlust")
    return folder


def _translate(text):
    head = 'msgid ""\nmsgstr ""\n"Content-Type: text/plain; charset=utf-8\\n"\n\n'
    po = f'{head}msgid "Loss"\nmsgstr "{text}"\n'
    locales.path_of("de", "00_loss").write_text(po, "utf-8")


def _read(path):
    return json.loads(path.read_text("utf-8"))


def test_an_edition_says_the_same_code_and_leads_to_the_same_places(folder):
    assert edition.write_all(folder) == []
    assert sorted(path.name for path in (folder / "de").iterdir()) == [
        ".written.json",
        "00_loss.ipynb",
    ]
    text, code = _read(folder / "de" / "00_loss.ipynb")["cells"]
    assert "".join(text["source"]) == (
        "# Verlust\n\n[1. Tensors](01_tensors.ipynb) ![A map](../../images/map.png) "
        "[English](../00_loss.ipynb) [Deutsch](../de/00_loss.ipynb)\n"
    )
    assert code == _cell("code", ["loss = 1  # Loss"]) | {"outputs": [], "execution_count": None}
    assert _read(folder / "pt_BR" / "00_loss.ipynb")["metadata"]["lang"] == "pt-BR"


def test_an_image_with_words_is_that_of_the_language(folder, monkeypatch):
    (folder.parent / "images" / "de").mkdir(parents=True)
    (folder.parent / "images" / "de" / "map.png").touch()
    monkeypatch.setattr(edition, "_IMAGES", folder.parent / "images")
    assert "](../../images/de/map.png)" in edition.translated("de", "a.md", PAGE)
    assert "](../../images/map.png)" in edition.translated("es", "a.md", PAGE)


def test_what_a_learner_changed_stays_and_what_they_only_ran_is_renewed(folder):
    edition.write_all(folder)
    path = folder / "de" / "00_loss.ipynb"
    ran = _read(path)
    ran["cells"][1]["outputs"] = ["a number"]
    path.write_text(json.dumps(ran), "utf-8")
    edition.write_all(folder)
    assert "a number" in path.read_text("utf-8")  # nothing is newer
    _translate("Der Verlust")
    assert edition.write_all(folder) == []
    assert "# Der Verlust" in path.read_text("utf-8")

    mine = path.read_text("utf-8").replace("loss = 1", "loss = 2")
    path.write_text(mine, "utf-8")
    _translate("Fehler")
    assert edition.write_all(folder) == [path] == edition.write_all(folder / "es")
    assert path.read_text("utf-8") == mine

    old = reset("de/00", folder)
    assert old.read_text("utf-8") == mine and "# Fehler" in path.read_text("utf-8")
    assert edition.write_all(folder) == []


def test_a_file_of_that_name_which_we_did_not_write_stays(folder):
    (folder / "de").mkdir()
    path = folder / "de" / "00_loss.ipynb"
    path.write_text("theirs")
    assert edition.write_all(folder) == [path]
    assert path.read_text() == "theirs"


@pytest.mark.parametrize("code", OTHERS)
@pytest.mark.parametrize("name", edition.names(HERE))
def test_code_cells_and_the_order_of_cells_are_those_of_the_english_notebook(name, code):
    source = (HERE / name).read_text("utf-8")
    made = edition.translated(code, name, source)
    if name.endswith(".py"):
        assert made == source
    if not name.endswith(".ipynb"):
        return
    for old, new in zip(json.loads(source)["cells"], json.loads(made)["cells"], strict=True):
        same = ("id", "metadata", "cell_type", *(["source"] if new["cell_type"] == "code" else []))
        assert [old[key] for key in same] == [new[key] for key in same]


def test_an_edition_without_translations_is_the_english_text(folder, monkeypatch):
    monkeypatch.setattr(locales, "prose", lambda code, name: {})
    for name in edition.names(HERE):
        source = (HERE / name).read_text("utf-8")
        made = edition.translated("es", name, source)
        made = made.replace("](../../images/es/", "](../../images/")
        for path in ("../images", "00_setup.ipynb", *(f"{code}/00_setup.ipynb" for code in OTHERS)):
            made = made.replace(f"](../{path})", f"]({path})").replace(
                f"](../{path}/", f"]({path}/"
            )
        assert made.replace(',\n  "lang": "es"', "") == source, name


def test_every_edition_is_written_by_one_command(folder, monkeypatch):
    environment = folder.parent / "environment"
    monkeypatch.setattr(sys, "prefix", str(environment))
    monkeypatch.setattr(command, "_has_pack", lambda code: code != "fr")
    monkeypatch.setenv("LABKIT_LANGUAGE", "en")
    monkeypatch.chdir(folder.parent)
    settings = environment / "etc" / "jupyter" / "labconfig" / "default_setting_overrides.json"
    settings.parent.mkdir(parents=True)
    settings.write_text('{"other": 1}')
    assert command.main("es") == 0
    assert _read(settings) == {"other": 1, command.PLUGIN: {"locale": "es_ES"}}
    assert command.main("fr") == 0  # its menus cannot be installed
    assert _read(settings) == {"other": 1}
    assert all((folder / code / "00_loss.ipynb").exists() for code in OTHERS)


def test_where_no_edition_can_be_written_this_is_said_and_english_goes_on(
    folder, monkeypatch, capsys
):
    def refuse(*_arguments):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(edition, "replace", refuse)
    monkeypatch.setattr(command, "set_menus", lambda code: None)
    monkeypatch.setenv("LABKIT_LANGUAGE", "en")
    monkeypatch.chdir(folder.parent)
    assert command.main("es") == 1
    assert f"{folder}: Permission denied." in capsys.readouterr().out
    assert command.main("en") == 0


def test_a_language_that_there_is_not_is_refused(capsys, monkeypatch):
    assert command.main("eo") == 1
    assert "pt_BR (Português)" in capsys.readouterr().out


def test_jupyterlab_reads_the_language_of_its_menus_from_this_environment(tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "prefix", str(tmp_path))
    monkeypatch.setattr(command, "_has_pack", lambda code: True)
    command.set_menus("pt_BR")
    ask = (
        "import sys; sys.prefix = sys.argv[1]; from jupyterlab_server.settings_utils import "
        "_get_overrides; print(_get_overrides('')[0]['" + command.PLUGIN + "']['locale'])"
    )
    asked = subprocess.run([sys.executable, "-c", ask, str(tmp_path)], capture_output=True)
    assert asked.stdout.decode().strip() == "pt_BR", asked.stderr.decode()


@pytest.mark.parametrize("code", OTHERS)
def test_each_language_has_a_short_readme_that_leads_on(code):
    page = HERE.parent / "labkit" / "locales" / code / "README.md"
    text = page.read_text("utf-8")
    assert f"make lab LANGUAGE={code}" in text
    assert 20 <= len(text.splitlines()) <= 50
    links = [link for link in re.findall(r"\]\(([^)#]+)\)", text) if "://" not in link]
    assert links and [link for link in links if not (page.parent / link).exists()] == []


def test_a_number_in_a_table_is_written_as_the_language_writes_it(monkeypatch):
    monkeypatch.setattr(edition.locales, "prose", lambda _code, _name: {"weights": "weights"})
    table = "| net | weights |\n|---|---|\n| `0.5` | 61,670 |\n| 4, 0.001 | 33.8 % |\n"
    german = edition.translated("de", "none.md", table)
    assert german == table.replace("61,670", "61.670").replace("0.001", "0,001").replace(
        "3.8", "3,8"
    )
