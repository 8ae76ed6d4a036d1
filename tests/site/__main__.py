"""Build the site to read without a kernel: ``python -m tests.site [OUT]`` (``make html``).

Each language becomes a folder: ``OUT/en``, and those that have translated notebooks.
"""

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
from concurrent.futures import Executor, ThreadPoolExecutor
from pathlib import Path

import nbformat

from labkit.explorers.shared.looks import SHEET
from labkit.files import replace
from labkit.languages import edition
from labkit.text import LANGUAGES, LOCALES, N_, _, compiled, language, speaking
from tests.site.pages import Fronts, living, to_page
from tests.site.run import ROOT, run_all

BUILD = ROOT / "build"
HERE = Path(__file__).parent


def editions() -> dict[str, Path]:
    """Write the notebooks of each language; return where they are."""
    english = ROOT / "notebooks"
    found = {code: BUILD / "notebooks" / code for code in LANGUAGES} | {"en": english}
    for code, folder in found.items():
        for name in edition.names(english) if code != "en" else ():
            source = (english / name).read_text("utf-8")
            replace(folder / name, edition.translated(code, name, source))
    return found


def main(arguments: list[str] | None = None) -> int:
    """Build every edition; return Sphinx's exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out", type=Path, nargs="?", default=BUILD / "html")
    parser.add_argument("--only", nargs="*", help="run these, and no other; e.g. 03_cnn")
    parser.add_argument("--languages", nargs="*", default=LANGUAGES, help="e.g. en de; else all")
    options = parser.parse_args(arguments)
    found = {code: folder for code, folder in editions().items() if code in options.languages}
    pool = ThreadPoolExecutor(2)  # two kernels, and Sphinx where a language has all it needs
    try:
        if failed := build(pool, found, options):
            return failed
    finally:
        pool.shutdown(cancel_futures=True)
    shutil.rmtree(options.out / "jupyter_execute", ignore_errors=True)  # copies that myst-nb keeps
    links = (
        f'<a href="{code}/index.html" lang="{code.replace("_", "-")}">{LANGUAGES[code]}</a>'
        for code in found
    )
    first = (HERE / "static" / "choose.html").read_text("utf-8")
    first = first.replace("EDITIONS", json.dumps(list(found))).replace("LINKS", " ".join(links))
    (options.out / "index.html").write_text(first, "utf-8")
    return 0


def build(pool: Executor, found: dict[str, Path], options: argparse.Namespace) -> int:
    """Run the notebooks of all editions, and build each when its own are done."""
    asked, others = {}, {}
    for code, folder in found.items():
        paths = sorted(folder.glob("[0-9]*.ipynb"))
        chosen = [path for path in paths if options.only is None or path.stem in options.only]
        others[code] = [_unrun(path) for path in paths if path not in chosen]
        asked[code] = run_all(pool, chosen, code)
    for code, folder in found.items():
        with speaking(code):
            work = BUILD / "site" / code
            gather([*(each.result() for each in asked[code]), *others[code]], folder, work)
            if failed := sphinx(work, options.out / code, list(found)):
                return failed
            for page in (options.out / code).rglob("*.html"):
                page.write_text(_literal(page.read_text("utf-8")), "utf-8")
    return 0


_LITERAL = (
    *(N_("Toggle primary sidebar"), N_("Toggle secondary sidebar")),
    *(N_("Main"), N_("Page")),
)
"""Names that the theme writes into its pages without asking for a translation."""


def _literal(text: str) -> str:
    for english in _LITERAL:
        text = re.sub(f'(title|aria-label)="{english}"', rf'\1="{_(english)}"', text)
    return text


def _unrun(path: Path) -> nbformat.NotebookNode:
    notebook = nbformat.read(path, 4)
    notebook.metadata["labkit"] = {"name": path.stem}
    return notebook


def gather(notebooks: list, folder: Path, work: Path) -> None:
    """Lay out in ``work`` what Sphinx reads: pages, images, scripts, and files to download."""
    shutil.rmtree(work, ignore_errors=True)
    shutil.copytree(ROOT / "images", work / "pages" / "images")
    shutil.copytree(folder, work / "extra" / "notebooks", ignore=shutil.ignore_patterns("check*"))
    fronts = Fronts()
    notebooks.sort(key=lambda notebook: notebook.metadata["labkit"]["name"])
    alive: dict[str, tuple[str, str]] = {}
    for notebook in notebooks:
        name = notebook.metadata["labkit"]["name"]
        to_page(notebook, fronts)
        alive = {kind: (name, text) for kind, text in living(notebook).items()} | alive
        nbformat.write(notebook, work / "pages" / f"{name}.ipynb")
    for path in [*folder.glob("*.md"), *folder.glob("*.py")]:
        shutil.copy(path, work / "pages")
    if (folder / "teaching").exists():  # not in a translation
        teach(folder / "teaching", work)
    names = [notebook.metadata["labkit"]["name"] for notebook in notebooks]
    front = front_page(_series(folder), names, alive, (folder / "teaching").exists())
    (work / "pages" / "index.md").write_text(front, encoding="utf-8")
    fronts.write(work / "static" / "fronts")
    (work / "static" / "explorers.css").write_text(SHEET, encoding="utf-8")


def teach(folder: Path, work: Path) -> None:
    """Lay out the pages for instructors; what is HTML already stays so, with its images."""
    shutil.copytree(
        ROOT / "images", work / "extra" / "images", ignore=lambda *_: ["draw", *LANGUAGES]
    )
    (work / "pages" / "teaching").mkdir()
    for path in folder.glob("*.md"):
        text = path.read_text(encoding="utf-8")
        link = r'<a href="../notebooks/teaching/\2">\1</a>'
        text = re.sub(r"\[([^]]+)\]\((\w+\.html)\)", link, text)
        if (
            path.stem != "README"
        ):  # README leads to it; the sidebar would fold it under a nameless arrow
            text = f"---\norphan: true\n---\n\n{text}"
        (work / "pages" / "teaching" / path.name).write_text(text, encoding="utf-8")


def _series(folder: Path) -> str:
    """Return the table of the series, which notebook 0 holds."""
    cells = nbformat.read(folder / "00_setup.ipynb", 4).cells
    texts = (cell.source for cell in cells if cell.cell_type == "markdown")
    table = next(text for text in texts if re.search(r"^\|.*\]\(01_tensors.ipynb\)", text, re.M))
    rows = re.match(r"(\|.*\n)+", table)[0]
    return re.sub(r"\*\*(.+?)\*\*", r"[\1](00_setup.ipynb)", rows)


def front_page(
    table: str, names: list[str], alive: dict[str, tuple[str, str]], teaching: bool = False
) -> str:
    """Return the first page, in Markdown; ``alive`` is page and HTML of each living explorer."""
    titles = {
        "convolution": _("Move a filter over an image"),
        "pooling": _("Make a map smaller"),
        "shapes": _("Guess what each layer makes of a shape"),
        "network": _("Look into a network"),
        "landscape": _("Walk down a loss"),
        "softmax": _("Turn scores into probabilities"),
    }
    links = [
        f'<li><a href="{alive[kind][0]}.html#{kind}">{text}</a></li>'
        for kind, text in titles.items()
        if kind in alive
    ]
    for_instructors = ["teaching/README"] if teaching else []
    shown = alive.get("convolution")
    first = f"```{{raw}} html\n{shown[1]}\n```" if shown else _widget_image()
    toctree = "\n".join([*names, "glossary", *for_instructors])
    moving = f'<ul class="lk-moving">{"".join(links)}</ul>' if links else ""
    return f"""# {_("From tensors to the GPU")}

{_("Nine notebooks lead you from your first tensor to an image classifier that you have trained.")}

## {_("Try it here")}

{_("A filter moves over an image. Choose another kernel, or an image of your own.")}

{first}

{moving}

## {_("The notebooks")}

{table}

```{{toctree}}
:hidden:

{toctree}
```
"""


def _widget_image() -> str:
    alt = json.loads((ROOT / "images" / "alt.json").read_text(encoding="utf-8"))["widget.png"]
    return f"![{alt}](images/widget.png)"


def sphinx(work: Path, out: Path, codes: list[str]) -> int:
    """Build one edition; return the exit code. Warnings are errors."""
    for known in LOCALES.glob(f"{language()}/LC_MESSAGES/labkit.po"):
        replace(work / "locales" / language() / "LC_MESSAGES" / "sphinx.mo", compiled(known))
    environment = os.environ | {
        "LABKIT_EDITIONS": json.dumps({code: LANGUAGES[code] for code in codes}),
        "LABKIT_SITE_STATIC": str(work / "static"),
        "LABKIT_SITE_LOCALES": str(work / "locales"),
        "LABKIT_SITE_EXTRA": str(work / "extra"),
    }
    command = [sys.executable, "-m", "sphinx", "-q", "-W", "--keep-going", "-c", str(HERE)]
    command += ["-d", str(work / "doctrees"), str(work / "pages"), str(out)]
    return subprocess.run(command, env=environment).returncode


if __name__ == "__main__":
    sys.exit(main())
