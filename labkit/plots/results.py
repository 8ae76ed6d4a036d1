"""How good a classifier is: by class, by confusion, by confidence, and when images change."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from labkit.data import ImageSet
from labkit.evaluation.scores import Calibration, Share
from labkit.plots.base import (
    BLUE,
    CYCLE,
    GRID,
    INK,
    OVER_THE_LINE,
    Plot,
    plain,
    plain_axes,
    show,
    tiles,
)
from labkit.plots.samples import gallery
from labkit.text import _, ngettext, written


def class_accuracy(accuracy: ArrayLike, classes: Sequence[str], overall: float) -> Plot:
    """Draw a bar per class, best first; ``accuracy`` in 0..1, NaN for a class without images."""
    accuracy = np.asarray(accuracy, dtype=float)
    order = np.argsort(np.where(np.isnan(accuracy), -1, accuracy), kind="stable")[::-1]
    plot = Plot(7.0, 0.6 + 0.32 * len(order))
    axes = plain_axes(plot)
    axes.barh([classes[k] for k in order], np.nan_to_num(accuracy[order]), color=BLUE)
    axes.axvline(overall, color=INK, linestyle="--", linewidth=1.2)
    axes.set_title(_("dashed: all together, {share:.0%}").format(share=overall), fontsize=10)
    for row, share in enumerate(accuracy[order]):
        text = _("no images") if math.isnan(share) else written(share, ".0%")
        place = (0 if math.isnan(share) else share) + 0.01
        axes.text(place, row, text, va="center", bbox=OVER_THE_LINE)
    axes.set_xlim(0, 1.08)
    axes.invert_yaxis()
    axes.xaxis.set_major_formatter(lambda value, _position: written(value, ".0%"))
    axes.set_xlabel(_("recognised"))
    axes.grid(axis="y", visible=False)
    plot.alt = _class_sentence(accuracy, classes, order, overall)
    return plot


def _class_sentence(accuracy, classes, order, overall) -> str:
    known = [k for k in order if not math.isnan(accuracy[k])]
    unknown = [classes[k] for k in order if math.isnan(accuracy[k])]
    if not known:
        return _("There is no image of any class.")
    best, worst = known[0], known[-1]
    sentence = _(
        "Overall accuracy {overall:.0%}. Best class: {best}, {most:.0%}. Worst: {worst}, "
        "{least:.0%}."
    ).format(
        overall=overall,
        best=classes[best],
        most=accuracy[best],
        worst=classes[worst],
        least=accuracy[worst],
    )
    if unknown:
        sentence += " " + _("Without images: {classes}.").format(classes=", ".join(unknown))
    return sentence


def confusion(matrix: np.ndarray, classes: Sequence[str]) -> Plot:
    """Draw how often each true class (rows) was predicted as each class (columns).

    ``matrix`` is ``[C, C]`` with counts. The shade is the share of the row, so that classes with
    few images can be read too.
    """
    matrix = np.asarray(matrix)
    totals = matrix.sum(axis=1, keepdims=True)
    shares = matrix / np.maximum(totals, 1)
    size = 1.6 + min(0.42 * len(classes), 10)  # of ten classes all on a small screen
    plot = Plot(size + 0.6, size)
    axes = plot.add_subplot()
    axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    if len(classes) <= 20:
        for (row, column), count in np.ndenumerate(matrix):
            dark = shares[row, column] > 0.68  # above it white has more contrast than ink
            axes.text(
                column, row, f"{count}", ha="center", va="center", color="white" if dark else INK
            )
    small: dict[str, Any] = {"fontsize": min(10, 600 / len(classes))}
    axes.set_xticks(
        range(len(classes)), classes, rotation=45, ha="right", rotation_mode="anchor", **small
    )
    axes.set_yticks(range(len(classes)), classes, **small)
    axes.set_xlabel(_("predicted class"))
    axes.set_ylabel(_("true class"))
    plot.alt = _confusion_sentence(matrix, classes)
    return plot


def _confusion_sentence(matrix: np.ndarray, classes: Sequence[str]) -> str:
    wrong = matrix * (1 - np.eye(len(classes), dtype=matrix.dtype))
    text = _("{right} of {all} on the diagonal, that is correct.")
    right = text.format(right=int(np.trace(matrix)), all=int(matrix.sum()))
    if not wrong.any():
        return right
    row, column = divmod(int(wrong.argmax()), len(classes))
    often = ngettext(
        "The most frequent mistake: {true} predicted as {predicted}, {n} time.",
        "The most frequent mistake: {true} predicted as {predicted}, {n} times.",
        int(wrong.max()),
    ).format(true=classes[row], predicted=classes[column], n=int(wrong.max()))
    return f"{right} {often}"


def most_wrong(
    images: np.ndarray, truths: Sequence[str], answers: Sequence[str], confidence: Sequence[float]
) -> Plot:
    """Draw images uint8 ``[K, H, W, 3]`` with what they are, and what they were predicted as.

    ``confidence`` is the probability in 0..1 that the model gave its wrong prediction.
    """
    if not len(images):
        plot = Plot(5.0, 0.6, alt=_("There is no mistake to show."))
        plot.text(0.5, 0.5, plot.alt, ha="center", va="center")
        return plot
    mistakes = [
        {"truth": truth, "answer": answer, "share": share}
        for truth, answer, share in zip(truths, answers, confidence, strict=True)
    ]
    title = _("{answer}? {share:.0%}\nis: {truth}")
    said = _("{truth} predicted as {answer} ({share:.0%} sure)")
    titles = [title.format(**each) for each in mistakes]
    plot = tiles(list(images), titles, columns=6, size=(1.45, 1.85))
    said = "; ".join(said.format(**each) for each in mistakes)
    plot.alt = _("The surest mistakes: {list}.").format(list=said)
    return plot


def answer(image: np.ndarray, probabilities: ArrayLike, classes: Sequence[str]) -> Plot:
    """Draw one image uint8 ``[H, W, 3]`` beside the five classes the model holds likeliest."""
    probabilities = np.asarray(probabilities, dtype=float)
    top = np.argsort(probabilities)[::-1][:5]
    plot = Plot(6.0, 2.2)
    left, right = plot.add_gridspec(1, 2, width_ratios=(1, 2))
    show(plot.add_subplot(left), image)
    axes = plain_axes(plot, right)
    axes.barh([classes[k] for k in top], probabilities[top], color=BLUE)
    for row, k in enumerate(top):
        axes.text(probabilities[k] + 0.01, row, written(probabilities[k], ".0%"), va="center")
    axes.set_xlim(0, 1.12)
    axes.xaxis.set_major_formatter(lambda value, _place: written(value, ".0%"))
    axes.invert_yaxis()
    axes.grid(axis="y", visible=False)
    axes.set_xlabel(_("probability"))
    plot.alt = _("The predictions: {list}.").format(
        list=", ".join(f"{classes[k]} {written(probabilities[k], '.0%')}" for k in top)
    )
    return plot


def predicted(shown: ImageSet, predictions: Sequence[int], places: Sequence[int]) -> Plot:
    """Draw some images of a set, by their ``places`` in it, each under its true name → prediction.

    ``predictions`` holds a class index for each of the first images of the set. ✓ and ✗ say whether
    the two agree.
    """
    names = shown.classes
    pairs = [(names[shown.targets[n]], names[predictions[n]]) for n in places]
    captions = [f"{true}\n→ {said} {'✓' if said == true else '✗'}" for true, said in pairs]
    return gallery([shown.data[n] for n in places], captions, columns=4)


def class_scores(
    recall: Sequence[Share], precision: Sequence[Share], classes: Sequence[str]
) -> Plot:
    """Draw recall and precision of each class with their 95 % intervals, best recall first."""
    known = [-share.value if share.of else 1 for share in recall]
    order = sorted(range(len(classes)), key=lambda k: known[k])
    plot = Plot(6.4, 1.0 + 0.36 * len(order))
    axes = plain_axes(plot)
    kinds = ((_("recall"), recall, -0.15), (_("precision"), precision, 0.15))
    for (name, shares, off), (color, _line, marker) in zip(kinds, CYCLE, strict=False):
        for row, k in enumerate(order):
            _draw_share(axes, shares[k], row + off, color, marker, name if row == 0 else None)
    axes.set_yticks(range(len(order)), [classes[k] for k in order])
    axes.set_ylim(len(order) - 0.4, -0.6)
    axes.set_xlim(-0.01, 1.02)
    axes.xaxis.set_major_formatter(lambda value, _position: written(value, ".0%"))
    axes.set_xlabel(_("share, with its 95 % interval"))
    axes.legend(frameon=False, ncols=2, loc="lower left", bbox_to_anchor=(0, 1))
    plot.alt = _scores_sentence(recall, precision, classes)
    return plot


def _draw_share(axes, share: Share, row: float, color: str, marker: str, label: str | None) -> None:
    low, high = share.interval
    known = share.of > 0
    line = {"linewidth": 1.6, "linestyle": "-" if known else ":"}
    axes.plot([low, high], [row, row], color=color if known else GRID, **line)
    axes.plot([share.value], [row], marker, color=color, ms=6, label=label)
    if not known:
        options = {"va": "center", "ha": "center", "size": 8, "bbox": OVER_THE_LINE}
        axes.text(0.5, row, _("none counted"), **options)


def _scores_sentence(recall, precision, classes) -> str:
    sentences = []
    for text, one, shares in (
        (_("Recall: from {low} to {high}."), _("Recall: {low}."), recall),
        (_("Precision: from {low} to {high}."), _("Precision: {low}."), precision),
    ):
        known = [k for k in range(len(classes)) if shares[k].of]
        if known:
            ends = [pick(known, key=lambda k: shares[k].value) for pick in (min, max)]
            low, high = (_say_share(classes[k], shares[k]) for k in ends)
            sentences.append((one if low == high else text).format(low=low, high=high))
    without = [name for name, share in zip(classes, recall, strict=True) if not share.of]
    if without:
        sentences.append(_("Without images: {classes}.").format(classes=", ".join(without)))
    unnamed = [name for name, share in zip(classes, precision, strict=True) if not share.of]
    if unnamed:
        sentences.append(_("Never predicted: {classes}.").format(classes=", ".join(unnamed)))
    return " ".join(sentences) or _("There is no image of any class.")


def _say_share(name: str, share: Share) -> str:
    low, high = share.interval
    return _("{share:.0%} ({name}; {right} of {of}, so {low:.0%} to {high:.0%})").format(
        share=share.value, name=name, right=share.right, of=share.of, low=low, high=high
    )


def reliability(found: Calibration) -> Plot:
    """Draw the accuracy against the confidence; the count of predictions below."""
    plot = Plot(4.6, 4.0)
    axes, below = plot.subplots(2, 1, sharex=True, height_ratios=(4, 1))
    for each in (axes, below):
        plain(each)
    axes.plot([0, 1], [0, 1], ":", color=INK, label=_("calibrated"))
    seen = [k for k, share in enumerate(found.shares) if share.of]
    values = np.array([found.shares[k].value for k in seen])
    ends = np.array([found.shares[k].interval for k in seen]).T
    bars = np.abs(ends - values)
    at = found.confidence[seen]
    axes.errorbar(at, values, bars, fmt="o-", color=BLUE, capsize=3, label=_("this network"))
    edges = np.linspace(0, 1, len(found.shares) + 1)
    counts = [share.of for share in found.shares]
    below.bar(edges[:-1], counts, 0.95 / len(counts), align="edge", color=BLUE)
    below.set(xlabel=_("confidence"), ylabel=_("predictions"), xlim=(0, 1))
    axes.set(ylabel=_("accuracy"), ylim=(0, 1.02))
    axes.legend(frameon=False, loc="lower right")
    for axis in (axes.yaxis, below.xaxis):
        axis.set_major_formatter(lambda value, _position: written(value, ".0%"))
    plot.alt = _reliability_sentence(found)
    return plot


def _reliability_sentence(found: Calibration) -> str:
    sure, right = found.mean_confidence, found.accuracy
    text = _(
        "The confidence is {sure:.1%} on average, and the accuracy {right:.1%}: {verdict}. Bin by "
        "bin, the two differ by {error:.1f} points on average (expected calibration error)."
    )
    count = sum(share.of for share in found.shares)
    low, high = Share(round(right * count), count).interval
    if low <= sure <= high:
        verdict = _("on the whole as often correct as it is sure")
    else:
        verdict = _("too sure") if sure > right else _("not as sure as it could be")
    return text.format(sure=sure, right=right, verdict=verdict, error=100 * found.error)
