"""The arithmetic that the browser does, for networks of every kind, without a kernel or a notebook.

What Python tells of a network lies in a page; each number of each line is worked out there.
"""

import base64
import json

import numpy as np
import pytest
import torch

from labkit.explorers.network.compute import story
from labkit.explorers.network.stage import NetworkStage, words
from tests.explorers.network.zoo import FUNCTIONS, ZOO

pytestmark = pytest.mark.browser

IMAGE = np.random.default_rng(0).integers(0, 256, (32, 32, 3), dtype=np.uint8)

_PAGE = """<!doctype html><style>{css}</style>
<div class="lk-explorer" style="width: {width}px"><div id="stage"></div></div>
<script>
const told = {told};
const bytes = (text) => new DataView(Uint8Array.from(atob(text), (c) => c.charCodeAt(0)).buffer);
for (const name of ["maps", "weights", "image"]) told[name] = bytes(told[name]);
const model = {{
  get: (name) => told[name],
  set: (name, value) => (told[name] = value),
  save_changes() {{}}, on() {{}}, off() {{}},
}};
{script}
</script>"""

_WORKED_OUT = """() => {
  const story = new Story(model);
  return story.lines.map((line, number) => {
    if (line.kind === "input") return null;
    const found = [];
    for (let map = 0; map < line.maps; map++)
      for (let row = 0; row < line.height; row++)
        for (let column = 0; column < line.width; column++) {
          const parts = story.parts([number, map, row, column]);
          if (map + row + column === 0) story.sentence([number, map, row, column]);
          found.push(parts.before);
        }
    return found;
  });
}"""


def page_of(browser, told, width=833):
    """Return a page with the stage of a story, as any site could show it, and what went wrong."""
    told = told | {"words": words(), "place": [1, 0, 0, 0], "opened": False, "revision": 1}
    plain = {
        name: base64.b64encode(value).decode() if isinstance(value, bytes) else value
        for name, value in (told | {"brightest": 0, "blind": ""}).items()
    }
    script = NetworkStage._esm.replace("export default { render };", "")
    page = browser.new_page(viewport={"width": width, "height": 720})
    problems = []
    page.on("pageerror", lambda error: problems.append(str(error)))
    script += "\nrender({ model, el: document.querySelector('#stage') });"
    page.set_content(
        _PAGE.format(css=NetworkStage._css, width=width, told=json.dumps(plain), script=script)
    )
    return page, problems


@pytest.mark.parametrize("name", [name for name in ZOO if name != "fast net"])
def test_every_number_worked_out_in_the_browser_is_that_of_pytorch(browser, name):
    torch.manual_seed(0)
    told = story(ZOO[name]().eval(), IMAGE)
    page, problems = page_of(browser, told)
    worked_out = page.evaluate(_WORKED_OUT)
    numbers = np.frombuffer(told["maps"], "<f4")
    for line, found in zip(told["plan"], worked_out, strict=True):
        count = int(np.prod(line["shape"]))
        shown, numbers = numbers[:count], numbers[count:]
        if found is None:
            continue
        made = torch.tensor(found, dtype=torch.float64)
        for function in line["activations"]:
            made = FUNCTIONS[function](made)
        np.testing.assert_allclose(made.numpy(), shown, atol=2e-4, rtol=1e-4)
    assert problems == []
    page.close()


_SMALL_OR_OUTSIDE = """() => {
  const outer = document.querySelector('.lk-explorer').getBoundingClientRect();
  const parts = [...document.querySelectorAll('.lk-explorer *')];
  const all = parts.filter((one) => one.checkVisibility());
  const isText = (node) => node.nodeType === 3 && node.data.trim();
  const says = (one) => [...one.childNodes].some(isText);
  const small = all.filter((one) => says(one) && parseFloat(getComputedStyle(one).fontSize) < 11);
  const outside = all.filter((one) => one.getBoundingClientRect().right > outer.right + 1);
  return [...small, ...outside].map((one) => one.outerHTML.slice(0, 80));
}"""


@pytest.mark.parametrize("width", [500, 700, 833, 1000])
@pytest.mark.parametrize("name", ["net", "fast net", "no convolution", "residual"])
def test_each_number_opens_whole_at_any_width_and_no_letter_is_small(browser, name, width):
    told = story(ZOO[name]().eval(), IMAGE, list("abcdefghij"))
    page, problems = page_of(browser, told, width)
    for number in (*range(1, len(told["plan"])), 0):
        page.evaluate("place => { told.place = place; told.opened = true; }", [number, 0, 0, 0])
        page.locator(".lk-focus").press("ArrowRight")
        assert page.evaluate(_SMALL_OR_OUTSIDE) == []
    page.keyboard.press("Escape")
    assert page.locator(".lk-sums").is_hidden() and page.evaluate(_SMALL_OR_OUTSIDE) == []
    assert problems == []
    page.close()


def test_the_maps_are_40_points_and_more_at_833(browser):
    page, _problems = page_of(browser, story(ZOO["net"](), IMAGE), 833)
    sizes = page.locator("canvas.lk-map:not(.lk-strip)").evaluate_all(
        "maps => maps.map((map) => map.getBoundingClientRect().width)"
    )
    assert len(sizes) == 3 + 6 + 6 + 16 + 16 and min(sizes) >= 40
    page.close()


def test_weights_that_were_not_sent_are_a_sentence_without_a_kernel(browser, monkeypatch):
    monkeypatch.setattr("labkit.explorers.network.compute.WEIGHTS_AT_MOST", 10_000)
    page, problems = page_of(browser, story(ZOO["net"](), IMAGE))
    page.locator('[data-chooses="5"]').press("Enter")
    assert "too many to send" in page.locator("[role=status]").inner_text()
    assert problems == []
    page.close()
