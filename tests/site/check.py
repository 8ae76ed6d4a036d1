"""Walk the built site as its readers do: ``python -m tests.site.check [FOLDER]``.

Without a browser it follows every link; with one it looks at every page, light and dark, wide and
narrow, and lets axe-core judge whether everybody can use it.
"""

import argparse
import re
import sys
from concurrent.futures import ProcessPoolExecutor
from html.parser import HTMLParser
from itertools import product
from multiprocessing import get_context
from pathlib import Path
from urllib.parse import unquote, urlsplit

from playwright.sync_api import sync_playwright

from tests.browser.lab import AXE, BROWSER_FLAGS, ROOT, find_browser

LARGEST = 3_000_000
"""Bytes of a page, with the images that are in it."""

FILLER = re.compile(
    r"^$|\.(png|jpe?g|svg|gif|webp)$|^(image|figure|plot)\s*\d*$|^No description", re.I
)
WIDTHS = (1280, 390)


class Page(HTMLParser):
    """What a page says of itself: its links, anchors, images, language and title."""

    def __init__(self, path: Path):
        super().__init__()
        self.links, self.anchors, self.alts = [], set(), []
        self.language = self.title = ""
        self._in_title = False
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag, attributes):
        has = dict(attributes)
        self.anchors |= {has[name] for name in ("id", "name") if has.get(name)}
        self.links += [has[name] for name in ("href", "src") if has.get(name)]
        if tag == "html":
            self.language = has.get("lang", "")
        if tag == "img":
            self.alts.append(has.get("alt") or "")
        self._in_title = tag == "title" or (self._in_title and tag != "body")

    def handle_data(self, data):
        self.title += data.strip() if self._in_title else ""

    def handle_endtag(self, tag):
        self._in_title = self._in_title and tag != "title"


def walk(site: Path) -> list[str]:
    """Follow every link inside the site; return what is wrong, a line each."""
    pages = {
        path: Page(path) for path in sorted(site.rglob("*.html")) if "_static" not in path.parts
    }
    problems = [] if pages else [f"{site}: no page"]
    for path, page in pages.items():
        name = path.relative_to(site)
        if not page.language:
            problems.append(f"{name}: no language")
        if not page.title or path.stem in page.title:
            problems.append(f"{name}: title {page.title!r}")
        if path.stat().st_size > LARGEST:
            problems.append(f"{name}: {path.stat().st_size:,} bytes")
        problems += [f"{name}: alt text {alt!r}" for alt in page.alts if FILLER.search(alt.strip())]
        for link in page.links:
            if why := _dead(link, path, pages):
                problems.append(f"{name}: {link[:100]} {why}")
    return problems


def _dead(link: str, path: Path, pages: dict[Path, Page]) -> str:
    parts = urlsplit(link)
    if parts.scheme in ("http", "https", "mailto", "data", "javascript"):
        return ""  # `python -m tests.links` asks those
    target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
    if not target.is_file():
        return "is not there"
    if parts.fragment and target in pages and unquote(parts.fragment) not in pages[target].anchors:
        return "has no such place"
    return ""


_BROKEN = "() => [...document.images].filter(i => i.complete && !i.naturalWidth).map(i => i.alt)"
_TINY = """() => {
  const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  const found = new Set();
  while (texts.nextNode()) {
    const { parentElement: around, data } = texts.currentNode;
    if (!data.trim() || !around.checkVisibility({ visibilityProperty: true })) continue;
    if (parseFloat(getComputedStyle(around).fontSize) < 11) found.add(data.trim().slice(0, 40));
  }
  return [...found];
}"""
_AXE = "axe.run({ preload: false }).then(found => found.violations)"
_DEAD = "() => [...document.querySelectorAll('.lk-alive')].filter(e => !e.explorer).map(e => e.id)"


def look(site: Path) -> list[str]:
    """Open every page as a file, in two browsers; return what is wrong, a line each."""
    pages = [  # the first page only leads on
        path
        for path in sorted(site.rglob("*.html"))
        if "_static" not in path.parts and path.parent != site
    ]
    with ProcessPoolExecutor(2, get_context("spawn")) as pool:
        return [one for found in pool.map(_look, [pages[::2], pages[1::2]]) for one in found]


def _look(pages: list[Path]) -> list[str]:
    axe = AXE.read_text("utf-8")
    problems = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=find_browser(), args=BROWSER_FLAGS)
        for path, scheme, width in product(pages, ("light", "dark"), WIDTHS):
            found = _judge(browser, path, scheme, width, axe)
            place = f"{path.parent.name}/{path.stem} {scheme} {width}"
            problems += [f"{place}: {one}" for one in found]
        browser.close()
    return problems


def _judge(browser, path: Path, scheme: str, width: int, axe: str) -> list[str]:
    found = []
    context = browser.new_context(color_scheme=scheme, viewport={"width": width, "height": 900})
    page = context.new_page()
    page.on("request", lambda request: _own(request.url) or found.append(f"asks {request.url}"))
    page.on("requestfailed", lambda request: found.append(f"cannot load {request.url}"))
    page.on("pageerror", lambda error: found.append(f"error {error}"))
    page.on("console", lambda said: said.type == "error" and found.append(f"says {said.text}"))
    page.goto(path.resolve().as_uri())
    page.wait_for_timeout(400)  # the living explorers are drawn
    found += [f"broken image {alt!r}" for alt in page.evaluate(_BROKEN)]
    found += [f"letters under 11 px: {text!r}" for text in page.evaluate(_TINY)]
    found += [f"{explorer} is not alive" for explorer in page.evaluate(_DEAD)]
    if page.evaluate("document.documentElement.scrollWidth") > width:
        found.append("is wider than the screen")
    page.evaluate(axe)
    for violation in page.evaluate(_AXE):
        where = [f"{node['target'][0]} {node['html'][:90]}" for node in violation["nodes"][:3]]
        found.append(f"axe {violation['id']} x {len(violation['nodes'])}: {' | '.join(where)}")
    context.close()
    return found


def _own(url: str) -> bool:
    return url.startswith(("file:", "data:", "blob:"))


def main() -> int:
    """Walk and look; print what is wrong, and return how many lines that is, at most 99."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, nargs="?", default=ROOT / "build" / "html")
    site = parser.parse_args().folder
    problems = walk(site) + look(site)
    print(*problems, f"{len(problems)} problems in {site}", sep="\n")
    return min(len(problems), 99)


if __name__ == "__main__":
    sys.exit(main())
