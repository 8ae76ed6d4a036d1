"""One explorer of each kind in German and in Spanish: long words fit, all is in the language."""

import pytest

from tests.browser.kernel import settle
from tests.browser.kinds import CELLS, EXPLORERS
from tests.browser.lab import cut_off, unusable, write_notebook
from tests.languages.shown import english_in

pytestmark = pytest.mark.browser

GUESS = """from labkit.explorers.guess import Guess
Guess(4, "The fraction is 13.5, rounded down to 13. Padding 2 keeps 32 at 32.")"""

_SAID = """root => [root, ...root.querySelectorAll('*')].flatMap(each => [
  ...['aria-label', 'aria-valuetext', 'alt', 'title', 'placeholder'].map(a => each.getAttribute(a)),
  ...[...each.childNodes].filter(node => node.nodeType === 3).map(node => node.data),
]).filter(text => text?.trim()).join('\\n')"""
"""All that can be read or heard of an element."""

_LAID_OUT = """async explorer => {
  const images = [...explorer.querySelectorAll('img')];
  await Promise.all(images.map(image => image.decode().catch(() => {})));
  for (const _frame of [1, 2]) await new Promise(requestAnimationFrame);
}"""


@pytest.fixture(scope="module", params=["de", "es"])
def opened(request, root, open_notebook):
    """A notebook in a language with one explorer of each kind, at 1280 x 720; and the language."""
    folder = root / "notebooks" / request.param
    folder.mkdir(exist_ok=True)
    write_notebook(folder / "all.ipynb", *CELLS, GUESS)
    return open_notebook(f"notebooks/{request.param}/all.ipynb"), request.param


def test_each_kind_of_explorer_moves_in_the_language_and_nothing_is_cut_off(opened):
    notebook, code = opened
    page, problems = notebook.page, []
    explorers = page.locator(".lk-explorer:not(.lk-explorer *)")
    assert explorers.count() == EXPLORERS + 1

    def look(explorer) -> None:
        settle(notebook)
        explorer.evaluate(_LAID_OUT)
        problems.extend(cut_off(explorer) + english_in(explorer.evaluate(_SAID), code))

    for explorer in explorers.all():
        explorer.scroll_into_view_if_needed()
        for slider in explorer.get_by_role("slider", disabled=False).all()[:1]:
            slider.press("ArrowRight")
        look(explorer)
        for tab in explorer.get_by_role("tab").all():
            tab.click()
            look(explorer)
    problems += notebook.errors()
    assert problems == [], "\n".join(problems)


def test_a_guess_with_a_decimal_comma_is_answered_in_the_language(opened):
    notebook, code = opened
    guess = notebook.page.locator(".lk-guess")
    guess.get_by_role("textbox").fill("4,0")
    guess.get_by_role("button").click()
    said = {"de": "Der Bruch ist 13,5", "es": "La fracción es 13,5"}[code]
    guess.get_by_text(said).wait_for()


def test_every_explorer_can_be_used_by_ear_and_by_key_in_the_language(opened):
    notebook, code = opened
    assert unusable(notebook.page) == []
    stages = notebook.page.locator(".lk-stage").evaluate_all("all => all.map((one) => one.lang)")
    assert set(stages) == {code}
