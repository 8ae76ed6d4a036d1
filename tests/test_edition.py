import json
import re
from pathlib import Path

from tests.edition import main, without_solutions

NOTEBOOKS = sorted((Path(__file__).parents[1] / "notebooks").glob("[0-9]*.ipynb"))


def _count(notebook, word):
    return sum("".join(cell["source"]).count(word) for cell in notebook["cells"])


def test_an_edition_has_every_hint_and_no_solution():
    for path in NOTEBOOKS:
        notebook = json.loads(path.read_text("utf-8"))
        hints = _count(notebook, "<summary>Hint</summary>")
        assert _count(notebook, "<summary>Solution</summary>")
        made = without_solutions(notebook)
        assert _count(made, "Solution</summary>") == 0 == _count(made, "and a solution are")
        assert _count(made, "<summary>Hint</summary>") == hints
        assert _count(made, "<details>") == _count(made, "</details>")


def test_every_file_that_its_readme_names_is_there(tmp_path):
    main(str(tmp_path / "edition"))
    text = (tmp_path / "edition" / "README.md").read_text("utf-8")
    named = [link for link in re.findall(r"\]\(([^)#]+)\)", text) if "://" not in link]
    assert "notebooks/00_setup.ipynb" in " ".join(named)
    assert [link for link in named if not (tmp_path / "edition" / link).exists()] == []
