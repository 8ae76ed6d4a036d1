"""In a page without a kernel a script answers the controls: with the same numbers and sentences."""

from pathlib import Path

import numpy as np
import pytest
from ipywidgets.embed import dependency_state
from PIL import Image

from labkit.explorers.convolution import ConvolutionExplorer, PoolingExplorer
from labkit.explorers.network.widget import NetworkExplorer
from labkit.model import Net
from tests.site.alive import needed
from tests.site.pages import Fronts, packed

SCRIPTS = Path(__file__).parents[1] / "site" / "static"
SAMPLES = {
    name: np.random.default_rng(seed).integers(0, 256, (32, 32, 3), dtype=np.uint8)
    for seed, name in enumerate(("one", "two"))
}


class Twin:
    """An explorer in Python, and the same one in a page that has no Python."""

    def __init__(self, page, explorer):
        self.page, self.explorer = page, explorer
        fronts = Fronts()
        states = dependency_state(explorer, drop_defaults=False)
        model = packed(explorer.model_id, needed(explorer), states, fronts)
        page.set_content("<!doctype html><body style='width: 1000px'></body>")
        for name in ("host", "network"):
            page.add_script_tag(path=SCRIPTS / f"{name}.js")
        for script in fronts.scripts.values():
            page.add_script_tag(content=script)
        page.evaluate(
            "model => { window.twin = labkitSite.build(model); document.body.append(twin.shown) }",
            model,
        )

    def move(self, name: str, **traits) -> None:
        """Set traits of a control in both."""
        for trait, value in traits.items():
            setattr(getattr(self.explorer, name), trait, value)
        self.page.evaluate(
            """([name, traits]) => {
              twin.cast[name].take(traits);
              twin.answer(twin.cast[name]);
            }""",
            [name, traits],
        )


@pytest.fixture
def page(browser):
    page = browser.new_page()
    problems = []
    page.on("pageerror", lambda error: problems.append(str(error)))
    yield page
    page.close()
    assert problems == []


def maps(page) -> np.ndarray:
    """Return the numbers of all lines that the network in the page has made."""
    made = "[...new Float32Array(twin.cast.stage.get('numbers').maps.buffer)].map(String)"
    return np.array(page.evaluate(made), float)


@pytest.mark.parametrize("kind", [ConvolutionExplorer, PoolingExplorer])
def test_another_image_is_the_one_that_the_window_moves_over(page, kind):
    Twin(page, kind(SAMPLES))
    page.evaluate("twin.cast.image.take({index: 1}); twin.answer(twin.cast.image)")
    shown = page.evaluate("[...new Uint8Array(twin.cast.stage.get('image').buffer)]")
    assert bytes(shown) == SAMPLES["two"].tobytes()
    red = page.locator(".lk-seen canvas").evaluate(
        "canvas => canvas.getContext('2d').getImageData(20, 9, 1, 1).data[0]"
    )
    assert red == SAMPLES["two"][9, 20, 0]


def test_a_network_makes_of_each_image_what_pytorch_makes_of_it(page):
    states = [("first", Net().state_dict()), ("second", Net().state_dict())]
    explorer = NetworkExplorer(Net(), SAMPLES, snapshots=states, classes=list("abcdefghij"))
    twin = Twin(page, explorer)
    for number, image in [(0, "two"), (1, "one"), (0, "one")]:
        twin.move("weights", value=number)
        explorer.choice.choice.value = image
        index = list(SAMPLES).index(image)
        page.evaluate(f"twin.cast.image.take({{index: {index}}}); twin.answer(twin.cast.image)")
        expected = np.frombuffer(explorer.stage.numbers["maps"], "<f4")
        np.testing.assert_allclose(maps(page), expected, atol=2e-3)  # 16 bits a weight in the page


def test_an_image_of_ones_own_is_read_in_the_page(page, tmp_path):
    Twin(page, NetworkExplorer(Net(), SAMPLES))
    Image.fromarray(np.full((90, 60, 3), (255, 0, 51), np.uint8)).save(tmp_path / "mine.png")
    page.locator("input[type=file]").set_input_files(tmp_path / "mine.png")
    page.wait_for_function("twin.cast.image.get('index') === 2")
    assert page.locator("select").first.evaluate("list => list.value") == "mine.png"
    red, green, blue = maps(page)[: 3 * 32 * 32].reshape(3, -1)
    for plane, value in ((red, 1), (green, -1), (blue, -0.6)):
        np.testing.assert_allclose(plane, value, atol=1e-6)
