"""Take pictures of every notebook, run top to bottom: ``python -m tests.browser.screenshots OUT``.

Add the names of notebooks to take only those, and ``--dark`` for the dark theme.
"""

import argparse
import tempfile
from pathlib import Path

from playwright.sync_api import sync_playwright

from tests.browser.lab import ROOT, Notebook, jupyterlab, launch

PART = 1400
"""Height of one picture in pixels; a long notebook becomes several."""

_SCROLL_TO = """top => {
  const outer = window.jupyterapp.shell.currentWidget.content.node
    .querySelector('.jp-WindowedPanel-outer');
  outer.scrollTop = top;
  return outer.scrollHeight - outer.clientHeight - top;
}"""


def main() -> None:
    """Run the notebooks named on the command line, or all, and save PNGs of each."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out", type=Path)
    parser.add_argument("names", nargs="*", help="e.g. 03_cnn; all where none is given")
    parser.add_argument("--dark", action="store_true")
    options = parser.parse_args()
    theme = "JupyterLab Dark" if options.dark else "JupyterLab Light"
    names = options.names or [path.stem for path in sorted(ROOT.glob("notebooks/*.ipynb"))]
    options.out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as home, sync_playwright() as playwright:
        with jupyterlab(Path(home), theme) as address:
            browser = launch(playwright)
            for name in names:
                target = options.out / f"{name}{'-dark' if options.dark else ''}.png"
                print(target, _photograph(browser, address, name, target))
            browser.close()


def _photograph(browser, address, name: str, target: Path) -> list[str]:
    page = browser.new_page(viewport={"width": 1100, "height": PART})
    notebook = Notebook(page, *address, f"notebooks/{name}.ipynb")
    page.evaluate("window.jupyterapp.shell.collapseLeft()")
    notebook.run_all()
    page.wait_for_timeout(1000)  # pictures are decoded, widgets are drawn
    for number, top in enumerate(range(0, 100 * PART, PART - 100), start=1):
        below = page.evaluate(_SCROLL_TO, top)
        page.wait_for_timeout(300)
        page.screenshot(path=target.with_stem(f"{target.stem}-{number:02d}"))
        if below <= 0:
            break
    errors = notebook.errors()
    page.close()
    return errors


if __name__ == "__main__":
    main()
