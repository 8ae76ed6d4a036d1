"""A confusion matrix that is clicked, or walked with the arrow keys."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from labkit.explorers.shared.stage import Stage, script
from labkit.text import _, ngettext

RIGHT, WRONG = 0.65, 0.6
"""The strongest shade of a correct and of a wrong prediction: dark digits stay legible on both."""

NOWHERE = [-2, -2]
"""Where no cell of the grid is chosen."""


class ConfusionGrid(Stage):
    """Cells with counts; ``settings["chosen"]`` is [row, column], -1 for a header: any other class.

    Correct predictions are blue, shaded by their share of the row; mistakes are orange, shaded up
    to the most frequent one.
    """

    _esm = script(Path(__file__).with_name("stage.js"))

    def __init__(self, matrix: np.ndarray, names: Sequence[str], shown: Sequence[int]):
        """Show the classes ``shown`` of ``matrix``, int64 ``[C, C]``: true classes in rows."""
        super().__init__(
            scene={
                "title": _("Confusion matrix: true classes in rows, predictions in columns"),
                "texts": [
                    [_("predicted →\ntrue ↓"), *(names[k] for k in shown)],
                    *([names[k], *_counts(matrix[k], shown)] for k in shown),
                ],
                "sentences": [
                    [_say(matrix, names, row, column) for column in (None, *shown)]
                    for row in (None, *shown)
                ],
                "shades": _shades(matrix)[np.ix_(shown, shown)].tolist(),
            },
            settings={"chosen": [-1, -1]},
        )


def _shades(matrix: np.ndarray) -> np.ndarray:
    shares = matrix / np.maximum(matrix.sum(axis=1, keepdims=True), 1)
    right = np.eye(len(matrix), dtype=bool)
    most = max(shares[~right].max(initial=0), 1e-9)
    return np.where(right, RIGHT * shares, WRONG * shares / most)


def _counts(row: np.ndarray, shown: Sequence[int]) -> list[str]:
    if not row.any():
        return ["–"] * len(shown)
    return [str(row[k]) if row[k] else "" for k in shown]


def _say(matrix: np.ndarray, names: Sequence[str], row: int | None, column: int | None) -> str:
    wrong = matrix * (1 - np.eye(len(matrix), dtype=matrix.dtype))
    rows = slice(None) if row is None else row
    columns = slice(None) if column is None else column
    count = int((wrong if None in (row, column) else matrix)[rows, columns].sum())
    truth, answer = (None if k is None else names[k] for k in (row, column))
    return say_cell(count, truth, answer)


def say_cell(count: int, truth: str | None, answer: str | None) -> str:
    """Say how many images of a class got a prediction; None stands for any other class."""
    if truth is None and answer is None:
        text = ngettext("{n} mistake in all", "{n} mistakes in all", count)
    elif answer is None:
        text = ngettext(
            "{truth}: {n} image predicted as something else",
            "{truth}: {n} images predicted as something else",
            count,
        )
    elif truth is None:
        text = ngettext(
            "{n} image of other classes predicted as {answer}",
            "{n} images of other classes predicted as {answer}",
            count,
        )
    elif truth == answer:
        text = ngettext("{truth}: {n} image recognised", "{truth}: {n} images recognised", count)
    else:
        text = ngettext(
            "{truth}: {n} image predicted as {answer}",
            "{truth}: {n} images predicted as {answer}",
            count,
        )
    return text.format(n=count, truth=truth, answer=answer)
