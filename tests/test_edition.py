import json
import os
import re
import subprocess
import zipfile
from pathlib import Path

import pytest

from labkit.languages import edition, locales
from labkit.text import LANGUAGES
from tests.edition import main, without_solutions

SOLUTION = "<summary>Solution</summary>"
ROOT = Path(__file__).parents[1]
NOTEBOOKS = sorted((ROOT / "notebooks").glob("[0-9]*.ipynb"))


def _count(notebook, word):
    return sum("".join(cell["source"]).count(word) for cell in notebook["cells"])


def test_an_edition_has_every_hint_and_no_solution():
    for path in NOTEBOOKS:
        notebook = json.loads(path.read_text("utf-8"))
        hints = _count(notebook, "<summary>Hint</summary>")
        assert _count(notebook, SOLUTION)
        made = without_solutions(notebook)
        assert _count(made, "Solution</summary>") == 0 == _count(made, "and a solution are")
        assert _count(made, "<summary>Hint</summary>") == hints
        assert _count(made, "<details>") == _count(made, "</details>")


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """The edition, with its notebooks in all languages."""
    folder = tmp_path_factory.mktemp("edition") / "workshop"
    main(str(folder))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(locales, "LOCALES", folder / "labkit" / "locales")
        edition.write_all(folder / "notebooks")
    return folder


@pytest.mark.parametrize("code", [code for code in LANGUAGES if code != "en"])
def test_no_language_has_a_solution_and_each_says_all_that_it_said(made, code):
    for path in NOTEBOOKS:
        whole = json.loads(edition.translated(code, path.name, path.read_text("utf-8")))
        here = json.loads((made / "notebooks" / code / path.name).read_text("utf-8"))
        said = {piece for cell in whole["cells"] for piece in _paragraphs(cell)}
        new = [piece for cell in here["cells"] for piece in _paragraphs(cell) if piece not in said]
        assert len(new) == (path.stem != "00_setup"), new  # what is folded under an exercise
        assert not re.search("nudge|olu[ct]i|oluç|Lösung", "".join(new)), new
        folded = _count(here, "<summary>")
        assert folded == _count(whole, "<summary>") - _count(json.loads(path.read_text()), SOLUTION)
        kept = (made / "labkit/locales" / code / "notebooks" / f"{path.stem}.po").read_text("utf-8")
        assert SOLUTION not in kept


def _paragraphs(cell):
    text = "".join(cell["source"]) if cell["cell_type"] == "markdown" else ""
    return [part for part in re.split(r"\n\n|\n?</?details>\n?", text) if part]


def test_every_file_that_its_readme_names_is_there(made):
    text = (made / "README.md").read_text("utf-8")
    named = [link for link in re.findall(r"\]\(([^)#]+)\)", text) if "://" not in link]
    assert "notebooks/00_setup.ipynb" in " ".join(named)
    assert os.access(made / ".binder" / "start", os.X_OK)
    assert [link for link in named if not (made / link).exists()] == []
    assert "instructors" not in text and "teacher" not in text


def test_no_page_for_instructors_is_in_it_and_nothing_leads_to_one(made):
    hub = Path("labkit", "jupyter", "hub")
    assert (ROOT / hub / "README.md").exists() and (made / hub / "tljh.sh").exists()
    assert not (made / hub / "README.md").exists()
    pages = [*made.rglob("*.md"), *made.glob("notebooks/*.ipynb"), *made.glob("labkit/**/*.po")]
    told = [page for page in pages if "hub/README" in page.read_text("utf-8")]
    assert told == [] and not (made / "notebooks" / "teaching").exists()


def test_it_knows_when_its_commit_was_made(made):
    command = ["git", "log", "-1", "--format=%ct"]
    day = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert (made / "labkit/jupyter/commit.txt").read_text() == day


def test_the_file_to_send_holds_the_same_and_what_runs_still_runs(made):
    with zipfile.ZipFile(made.with_suffix(".zip")) as packed:
        files = {entry.filename: entry for entry in packed.infolist() if not entry.is_dir()}
        assert packed.read(f"{made.name}/README.md") == (made / "README.md").read_bytes()
    assert files[f"{made.name}/.binder/start"].external_attr >> 16 & 0o111


def test_without_git_it_says_so(monkeypatch, tmp_path):
    monkeypatch.setattr("tests.edition.ROOT", tmp_path)
    with pytest.raises(SystemExit, match="git clone"):
        main(str(tmp_path / "edition"))


def test_what_is_in_no_commit_is_not_in_an_edition_and_it_says_so(monkeypatch, tmp_path, capsys):
    clone = tmp_path / "clone"
    subprocess.run(["git", "clone", "-q", "--depth=1", ROOT.as_uri(), clone], check=True)
    monkeypatch.setattr("tests.edition.ROOT", clone)
    main(str(tmp_path / "one"))
    assert "in none yet" not in capsys.readouterr().out
    (clone / "README.md").write_text("corrected")
    main(str(tmp_path / "two"))
    assert "in none yet" in capsys.readouterr().out
    assert (tmp_path / "two" / "README.md").read_text("utf-8") != "corrected"
