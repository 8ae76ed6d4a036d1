"""From logits to the loss: the numbers are PyTorch's, whatever the sliders say."""

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from labkit.explorers.softmax import SoftmaxExplorer
from labkit.explorers.softmax.compute import predict

CLASSES = ["cat", "dog", "ship"]


@pytest.mark.parametrize("scale", [0.1, 1, 30, 1000])
def test_every_number_is_pytorchs(scale):
    logits = (np.random.default_rng(0).normal(size=7) * scale).tolist()
    free = torch.tensor(logits, dtype=torch.float64, requires_grad=True)
    loss = F.cross_entropy(free, torch.tensor(4))
    loss.backward()
    mine = predict(logits, 4)
    np.testing.assert_allclose(mine.probabilities, torch.softmax(free, 0).detach(), atol=1e-12)
    np.testing.assert_allclose(mine.gradient, free.grad, atol=1e-12)
    assert mine.loss == pytest.approx(loss.item(), rel=1e-9, abs=1e-12)


def test_a_label_that_is_no_class_is_refused_in_words():
    with pytest.raises(ValueError, match="There is no class 3: with 3 logits"):
        predict([1, 2, 3], 3)


def test_the_explorer_shows_what_pytorch_computes():
    explorer = SoftmaxExplorer(CLASSES)
    for slider, logit in zip(explorer.logits, (0.5, -2, 3), strict=True):
        slider.value = logit
    explorer.label.value = 2
    logits = torch.tensor([0.5, -2, 3])
    table = explorer.bars.table
    probabilities = next(c for c in table["columns"] if c["title"] == "probability")
    expected = torch.softmax(logits, 0)
    assert probabilities["texts"] == [f"{p:.3f}" for p in expected.tolist()]
    assert probabilities["lengths"] == pytest.approx(expected.tolist(), abs=1e-6)
    loss = F.cross_entropy(logits, torch.tensor(2)).item()
    assert f"−ln p = {loss:.3f}." in explorer.bars.sentence
    assert "It is the likeliest." in explorer.bars.sentence


def test_adding_the_same_to_all_logits_changes_powers_but_no_probability():
    explorer = SoftmaxExplorer(CLASSES)
    before, sentence = explorer.prediction, explorer.bars.sentence
    explorer.added.value = 5
    after = explorer.prediction
    np.testing.assert_allclose(after.powers, before.powers * np.exp(5))
    np.testing.assert_allclose(after.probabilities, before.probabilities)
    assert explorer.bars.sentence == sentence


def test_a_wrong_prediction_is_said_and_pulls_the_true_logit_up():
    explorer = SoftmaxExplorer(CLASSES)
    explorer.logits[0].value, explorer.label.value = 5, 1
    assert "The network predicts cat, which is wrong." in explorer.bars.sentence
    gradient = explorer.bars.table["columns"][-1]
    assert [text[0] for text in gradient["texts"]] == ["+", "−", "+"]


def test_five_classes_of_many_are_shown_and_one_is_not_enough():
    assert len(SoftmaxExplorer([str(k) for k in range(10)]).logits) == 5
    assert len(SoftmaxExplorer(["a", "b"]).logits) == 2
    with pytest.raises(ValueError, match="give at least 2"):
        SoftmaxExplorer(["a"])


def test_without_a_kernel_the_bars_and_the_loss_are_left():
    bundle = SoftmaxExplorer(CLASSES)._repr_mimebundle_()
    assert bundle["text/html"].startswith("<img")
    assert "so the loss is −ln p = " in bundle["text/plain"]
