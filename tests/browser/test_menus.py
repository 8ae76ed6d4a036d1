"""A closed menu shows every one of its options whole, in every language."""

import numpy as np
import pytest

from labkit.explorers.convolution import ConvolutionExplorer, PoolingExplorer
from labkit.explorers.landscape import LandscapeExplorer
from labkit.explorers.softmax import SoftmaxExplorer
from labkit.text import LANGUAGES

pytestmark = pytest.mark.browser

SAMPLES = {"noise": np.zeros((32, 32, 3), np.uint8)}
EXPLORERS = (
    lambda: ConvolutionExplorer(SAMPLES),
    lambda: PoolingExplorer(SAMPLES),
    LandscapeExplorer,
    lambda: SoftmaxExplorer(["airplane", "automobile"]),
)
CLIPPED = """stage => [...stage.querySelectorAll('select')].filter((menu) => {
  const free = menu.cloneNode(true);
  free.style.cssText = 'position: absolute; width: max-content';
  menu.parentElement.append(free);
  const needed = free.offsetWidth;
  free.remove();
  return needed > menu.offsetWidth + 1;
}).map((menu) => menu.parentElement.textContent)"""


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_closed_menu_is_as_wide_as_its_longest_option(alone, monkeypatch, language):
    monkeypatch.setenv("LABKIT_LANGUAGE", language)
    for make in EXPLORERS:
        assert alone(make().stage).stage.evaluate(CLIPPED) == []
