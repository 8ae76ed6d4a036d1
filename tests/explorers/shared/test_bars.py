"""Shares as bars."""

import numpy as np

from labkit.explorers.shared.bars import prediction


def test_of_many_classes_the_likeliest_are_shown():
    shares = np.linspace(0, 1, 30) / np.linspace(0, 1, 30).sum()
    table = prediction([f"class {n}" for n in range(30)], shares.tolist())
    assert table.count("<tr") == 10 and table.index("class 29") < table.index("class 20")
    assert "class 19<" not in table
