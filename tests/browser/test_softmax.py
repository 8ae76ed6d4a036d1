"""From logits to the loss: the numbers in the page are PyTorch's, whatever the sliders say."""

import random

import pytest
import torch
from torch.nn import functional as F

from labkit.explorers.softmax import SoftmaxExplorer

pytestmark = pytest.mark.browser

CLASSES = ["cat", "dog", "ship"]


def read(text):
    return float(text.replace("−", "-").replace(",", ""))


def column(shown, number):
    """Return the numbers of a column of the table, without the line below."""
    cells = shown.stage.locator(f"tr:not(.lk-foot) td:nth-child({number + 2})")
    return [read(text) for text in cells.all_inner_texts()]


def test_every_number_is_pytorchs(alone):
    chance, shown = random.Random(0), alone(SoftmaxExplorer("abcde").stage)
    for round_ in range(12):
        logits = [chance.randrange(-50, 51) / 10 for _class in range(5)]
        label, added = chance.randrange(5), [0, -5, 5, 2.5][round_ % 4]
        shown.set(logits=logits, label=label, added=added)
        free = torch.tensor([each + added for each in logits], requires_grad=True)
        loss = F.cross_entropy(free, torch.tensor(label))
        loss.backward()
        assert column(shown, 0) == pytest.approx(free.tolist(), abs=0.051)
        assert column(shown, 1) == pytest.approx(free.exp().tolist(), abs=0.011)
        assert column(shown, 2) == pytest.approx(free.softmax(0).tolist(), abs=6e-4)
        assert column(shown, 4) == pytest.approx(free.grad.tolist(), abs=6e-4)
        assert column(shown, 3) == [float(k == label) for k in range(5)]
        assert f"the loss is −ln p = {loss.item():.3f}." in shown.says()


def test_adding_the_same_to_all_logits_changes_powers_but_no_probability(alone):
    shown = alone(SoftmaxExplorer(CLASSES).stage)
    powers, shares, said = column(shown, 1), column(shown, 2), shown.says()
    shown.set(added=5)
    assert column(shown, 2) == shares and shown.says() == said
    assert column(shown, 1) != powers


def test_a_wrong_prediction_is_said_and_pulls_the_true_logit_up(alone):
    shown = alone(SoftmaxExplorer(CLASSES).stage)
    shown.set(logits=[5, 1, -1], label=1)
    assert "The network predicts cat, which is wrong." in shown.says()
    signs = shown.stage.locator("tr:not(.lk-foot) td:last-child").all_inner_texts()
    assert [text[0] for text in signs] == ["+", "−", "+"]
    shown.set(label=0)
    assert shown.says().endswith("It is the likeliest.")


def test_numbers_are_written_as_the_language_writes_them(alone, monkeypatch):
    monkeypatch.setenv("LABKIT_LANGUAGE", "de")
    shown = alone(SoftmaxExplorer(CLASSES).stage)
    shown.set(logits=[5, 5, 5], added=5)
    assert shown.stage.locator("td:nth-child(3)").first.inner_text() == "22.026,47"
    assert "−ln p = 1,099" in shown.says()


def test_five_classes_of_many_are_shown_and_one_is_not_enough(alone):
    assert (
        alone(SoftmaxExplorer([str(k) for k in range(10)]).stage)
        .stage.locator("th[scope=row]")
        .all_inner_texts()[4]
        .startswith("4")
    )
    with pytest.raises(ValueError, match="give at least 2"):
        SoftmaxExplorer(["a"])


def test_without_a_kernel_the_bars_and_the_probabilities_are_left():
    explorer = SoftmaxExplorer(CLASSES)
    explorer.stage.set(label=2)
    bundle = explorer._repr_mimebundle_()
    assert bundle["text/html"].startswith("<img")
    assert "the true class, ship, hatched, has 0.035." in bundle["text/plain"]
