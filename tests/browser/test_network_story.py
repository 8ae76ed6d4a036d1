"""The arithmetic that the browser does, for networks of every kind, without a kernel or a notebook.

What Python tells of a network lies in a page; each number of each line is worked out there.
"""

import numpy as np
import pytest
import torch

from labkit.explorers.network.stage import NetworkStage
from tests.explorers.network.zoo import FUNCTIONS, ZOO, story

pytestmark = pytest.mark.browser

IMAGE = np.random.default_rng(0).integers(0, 256, (32, 32, 3), dtype=np.uint8)

_WORKED_OUT = """(every) => {
  const told = { ...model.get('scene'), ...model.get('numbers') };
  const story = new Story(told, model.get('words'), () => {});
  return story.lines.map((line, number) => {
    if (line.kind === "input") return null;
    const found = [];
    let place = 0;
    for (let map = 0; map < line.maps; map++)
      for (let row = 0; row < line.height; row++)
        for (let column = 0; column < line.width; column++) {
          if (place++ % every) continue;
          const parts = story.parts([number, map, row, column]);
          if (map + row + column === 0) story.sentence([number, map, row, column]);
          found.push(parts.before);
        }
    return found;
  });
}"""


@pytest.fixture
def told(alone):
    """Return a function that shows a story in a page, as any site could."""

    def tell(scene, **options):
        stage = NetworkStage(scene | {"brightest": 0, "blind": ""}, lambda *_place: np.empty(0))
        stage.set(place=[1, 0, 0, 0])
        return alone(stage, **options)

    return tell


@pytest.mark.parametrize("name", ZOO)
def test_every_number_worked_out_in_the_browser_is_that_of_pytorch(told, name):
    torch.manual_seed(0)
    scene = story(ZOO[name]().eval(), IMAGE)
    every = 29 if name == "fast net" else 1  # all of its numbers take 15 s
    worked_out = told(scene).page.evaluate(_WORKED_OUT, every)
    numbers = np.frombuffer(scene["maps"], "<f4")
    for line, found in zip(scene["plan"], worked_out, strict=True):
        count = int(np.prod(line["shape"]))
        shown, numbers = numbers[:count], numbers[count:]
        if found is None:
            continue
        made = torch.tensor(found, dtype=torch.float64)
        for function in line["activations"]:
            made = FUNCTIONS[function](made)
        np.testing.assert_allclose(made.numpy(), shown[::every], atol=2e-4, rtol=1e-4)


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
def test_each_number_opens_whole_at_any_width_and_no_letter_is_small(told, name, width):
    scene = story(ZOO[name]().eval(), IMAGE, list("abcdefghij"))
    shown = told(scene, width=width)
    page = shown.page
    for number in (*range(1, len(scene["plan"])), 0):
        shown.set(place=[number, 0, 0, 0], opened=True)
        page.locator(".lk-focus").press("ArrowRight")
        assert page.evaluate(_SMALL_OR_OUTSIDE) == []
    page.keyboard.press("Escape")
    assert page.locator(".lk-sums").is_hidden() and page.evaluate(_SMALL_OR_OUTSIDE) == []


def test_the_maps_are_40_points_and_more_at_833_and_are_no_layers_of_the_page(told):
    page = told(story(ZOO["net"](), IMAGE)).page
    sizes = page.locator(".lk-map.lk-square").evaluate_all(
        "maps => maps.map((map) => map.getBoundingClientRect().width)"
    )
    assert len(sizes) == 3 + 6 + 6 + 16 + 16 and min(sizes) >= 40
    assert page.locator("canvas").count() < 12  # each makes every frame longer


def test_weights_that_were_not_sent_are_a_sentence_without_a_kernel(told, monkeypatch):
    monkeypatch.setattr("labkit.explorers.network.compute.WEIGHTS_AT_MOST", 10_000)
    shown = told(story(ZOO["net"](), IMAGE))
    shown.page.locator('[data-chooses="5"]').press("Enter")
    assert "too many to send" in shown.says()
