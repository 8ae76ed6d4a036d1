"""How training goes and how good the result is: curves, class by class, and the worst mistakes."""

import math
from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.ticker import MaxNLocator

from labkit.figures.base import BLUE, CYCLE, GREEN, INK, ORANGE, Picture, plain_axes
from labkit.text import _, ngettext

_OVER_THE_LINE = {"facecolor": "white", "edgecolor": "none", "pad": 0.5}


def loss_curve(
    at: Sequence[float],
    running_loss: Sequence[float],
    validation_loss: Sequence[float],
    *,
    resumed_at: float | None = None,
) -> Picture:
    """Draw the running training loss, and the validation loss after each epoch.

    ``at`` says for each number of ``running_loss`` how many epochs were done, with fractions;
    ``validation_loss`` has one number for each finished epoch. The lowest one is ringed.
    ``resumed_at`` marks where a training was taken up again, in epochs.
    """
    picture = Picture(7.0, 3.2)
    axes = plain_axes(picture)
    picture.alt = loss_sentence(running_loss, validation_loss)
    if resumed_at is not None:
        axes.axvline(resumed_at, color=INK, linestyle=":", label=_("taken up again"))
        picture.alt += " " + _("It was taken up again after {n:.2f} epochs.").format(n=resumed_at)
    draw_loss(axes, at, running_loss, validation_loss)
    return picture


def draw_loss(axes, at, running_loss, validation_loss) -> None:
    """Draw both losses on ``axes``: the part that the live picture shares with ``loss_curve``."""
    axes.plot(at, running_loss, color=BLUE, linestyle="-", label=_("training, running"))
    if len(validation_loss):
        epochs = range(1, len(validation_loss) + 1)
        axes.plot(epochs, validation_loss, "s--", color=ORANGE, label=_("validation"))
        best = int(np.argmin(validation_loss))
        axes.plot(best + 1, validation_loss[best], "o", ms=13, mfc="none", mec=INK, mew=1.5)
    _epoch_axis(axes)
    axes.set_ylabel(_("loss"))
    if len(running_loss):
        axes.legend(frameon=False)


def _epoch_axis(axes) -> None:
    axes.set_xlabel(_("epochs"))
    axes.xaxis.set_major_locator(MaxNLocator(6, integer=True))


def loss_sentence(running_loss: Sequence[float], validation_loss: Sequence[float]) -> str:
    """Return what ``loss_curve`` shows, in words."""
    if not len(running_loss):
        return _("Nothing is trained yet.")
    sentences = [
        _("The running training loss goes from {first:.2f} to {last:.2f}.").format(
            first=running_loss[0], last=running_loss[-1]
        )
    ]
    if len(validation_loss):
        best = int(np.argmin(validation_loss))
        sentences.append(
            _("The validation loss is {last:.2f} after epoch {n}").format(
                last=validation_loss[-1], n=len(validation_loss)
            )
            + (
                _(", the lowest so far.")
                if best == len(validation_loss) - 1
                else _(
                    "; it was lowest after epoch {best}, {value:.2f}, and has risen since."
                ).format(best=best + 1, value=validation_loss[best])
            )
        )
    return " ".join(sentences)


def class_accuracy(accuracy: Sequence[float], classes: Sequence[str], overall: float) -> Picture:
    """Draw a bar per class, best first; ``accuracy`` in 0..1, NaN for a class without pictures."""
    accuracy = np.asarray(accuracy, dtype=float)
    order = np.argsort(np.where(np.isnan(accuracy), -1, accuracy), kind="stable")[::-1]
    picture = Picture(7.0, 0.6 + 0.32 * len(order))
    axes = plain_axes(picture)
    axes.barh([classes[k] for k in order], np.nan_to_num(accuracy[order]), color=BLUE)
    axes.axvline(overall, color=INK, linestyle="--", linewidth=1.2)
    axes.set_title(_("dashed: all together, {share:.0%}").format(share=overall), fontsize=10)
    for row, share in enumerate(accuracy[order]):
        text = _("no pictures") if math.isnan(share) else f"{share:.0%}"
        place = (0 if math.isnan(share) else share) + 0.01
        axes.text(place, row, text, va="center", bbox=_OVER_THE_LINE)
    axes.set_xlim(0, 1.08)
    axes.invert_yaxis()
    axes.xaxis.set_major_formatter(lambda value, _position: f"{value:.0%}")
    axes.set_xlabel(_("recognised"))
    axes.grid(axis="y", visible=False)
    picture.alt = _class_sentence(accuracy, classes, order, overall)
    return picture


def _class_sentence(accuracy, classes, order, overall) -> str:
    known = [k for k in order if not math.isnan(accuracy[k])]
    unknown = [classes[k] for k in order if math.isnan(accuracy[k])]
    if not known:
        return _("There is no picture of any class.")
    best, worst = known[0], known[-1]
    sentence = _(
        "Overall {overall:.0%} are right. Best class: {best}, {most:.0%}. Worst: {worst}, "
        "{least:.0%}."
    ).format(
        overall=overall,
        best=classes[best],
        most=accuracy[best],
        worst=classes[worst],
        least=accuracy[worst],
    )
    if unknown:
        sentence += " " + _("Without pictures: {classes}.").format(classes=", ".join(unknown))
    return sentence


def confusion(matrix: np.ndarray, classes: Sequence[str]) -> Picture:
    """Draw how often each true class (rows) was taken for each class (columns).

    ``matrix`` is ``[C, C]`` with counts. The shade is the share of the row, so that classes with
    few pictures can be read too.
    """
    matrix = np.asarray(matrix)
    totals = matrix.sum(axis=1, keepdims=True)
    shares = matrix / np.maximum(totals, 1)
    size = 1.6 + 0.5 * len(classes)
    picture = Picture(size + 0.6, size)
    axes = picture.add_subplot()
    axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    if len(classes) <= 20:
        for (row, column), count in np.ndenumerate(matrix):
            dark = shares[row, column] > 0.5
            axes.text(
                column, row, f"{count}", ha="center", va="center", color="white" if dark else INK
            )
    axes.set_xticks(range(len(classes)), classes, rotation=45, ha="right", rotation_mode="anchor")
    axes.set_yticks(range(len(classes)), classes)
    axes.set_xlabel(_("predicted class"))
    axes.set_ylabel(_("true class"))
    picture.alt = _confusion_sentence(matrix, classes)
    return picture


def _confusion_sentence(matrix: np.ndarray, classes: Sequence[str]) -> str:
    wrong = matrix * (1 - np.eye(len(classes), dtype=matrix.dtype))
    right = _("{right} of {all} on the diagonal, that is right.").format(
        right=int(np.trace(matrix)), all=int(matrix.sum())
    )
    if not wrong.any():
        return right
    row, column = np.unravel_index(wrong.argmax(), wrong.shape)
    often = ngettext(
        "The most frequent mistake: {true} taken for {predicted}, {n} time.",
        "The most frequent mistake: {true} taken for {predicted}, {n} times.",
        int(wrong.max()),
    ).format(true=classes[row], predicted=classes[column], n=int(wrong.max()))
    return f"{right} {often}"


def most_wrong(
    images: np.ndarray, truths: Sequence[str], answers: Sequence[str], confidence: Sequence[float]
) -> Picture:
    """Draw pictures uint8 ``[K, H, W, 3]`` with what they are, and what they were taken for.

    ``confidence`` is the probability in 0..1 that the model gave its wrong answer.
    """
    count = len(images)
    if not count:
        picture = Picture(5.0, 0.6, alt=_("There is no mistake to show."))
        picture.text(0.5, 0.5, picture.alt, ha="center", va="center")
        return picture
    columns = min(6, count)
    rows = -(-count // columns)
    picture = Picture(1.45 * columns, 1.85 * rows)
    captions = []
    for k in range(count):
        axes = picture.add_subplot(rows, columns, k + 1)
        axes.imshow(images[k], interpolation="nearest")
        axes.set_axis_off()
        axes.set_title(
            _("{answer}? {share:.0%}\nis: {truth}").format(
                answer=answers[k], share=confidence[k], truth=truths[k]
            ),
            fontsize=9,
        )
        captions.append(
            _("{truth} taken for {answer} ({share:.0%} sure)").format(
                truth=truths[k], answer=answers[k], share=confidence[k]
            )
        )
    picture.alt = _("The surest mistakes: {list}.").format(list="; ".join(captions))
    return picture


def answer(image: np.ndarray, probabilities: Sequence[float], classes: Sequence[str]) -> Picture:
    """Draw one picture uint8 ``[H, W, 3]`` beside the five classes the model holds likeliest."""
    probabilities = np.asarray(probabilities, dtype=float)
    top = np.argsort(probabilities)[::-1][:5]
    picture = Picture(6.0, 2.2)
    left, right = picture.add_gridspec(1, 2, width_ratios=(1, 2))
    shown = picture.add_subplot(left)
    shown.imshow(image, interpolation="nearest")
    shown.set_axis_off()
    axes = plain_axes(picture, right)
    axes.barh([classes[k] for k in top], probabilities[top], color=BLUE)
    for row, k in enumerate(top):
        axes.text(probabilities[k] + 0.01, row, f"{probabilities[k]:.0%}", va="center")
    axes.set_xlim(0, 1.12)
    axes.invert_yaxis()
    axes.grid(axis="y", visible=False)
    axes.set_xlabel(_("probability"))
    picture.alt = _("The model's answers: {list}.").format(
        list=", ".join(f"{classes[k]} {probabilities[k]:.0%}" for k in top)
    )
    return picture


def live(
    at: Sequence[float],
    running_loss: Sequence[float],
    validation_loss: Sequence[float],
    validation_accuracy: Sequence[float],
    epochs: int,
    batch: tuple[np.ndarray, Sequence[str], Sequence[str]] | None = None,
) -> Picture:
    """Draw a training under way: losses, validation accuracy, and up to eight of the last batch.

    ``batch`` is images ``[B, H, W, 3]`` uint8, what they are, and what the model took them for.
    The places of the axes are fixed, not computed: this picture is drawn several times a second.
    """
    picture = Picture(9.4, 3.0)
    picture.set_layout_engine("none")
    loss = plain_axes(picture, 111)
    loss.set_position([0.065, 0.16, 0.34, 0.8])
    draw_loss(loss, at, running_loss, validation_loss)
    accuracy = plain_axes(picture, 111)
    accuracy.set_position([0.485, 0.16, 0.2, 0.8])
    numbers = range(1, len(validation_accuracy) + 1)
    accuracy.plot(numbers, validation_accuracy, "^-.", color=GREEN)
    accuracy.set_ylim(0, 1)
    _epoch_axis(accuracy)
    accuracy.set_ylabel(_("validation accuracy"))
    for axes in (loss, accuracy):
        axes.set_xlim(0, epochs * 1.03)
    if not len(running_loss):
        loss.set_ylim(0, 3)
    accuracy.yaxis.set_major_formatter(lambda value, _position: f"{value:.0%}")
    if batch:
        _draw_batch(picture, *batch)
    picture.alt = (
        _("The curves begin soon.")
        if batch and not len(running_loss)
        else loss_sentence(running_loss, validation_loss)
    )
    if len(validation_accuracy):
        picture.alt += " " + _("Validation accuracy: {share:.0%}.").format(
            share=validation_accuracy[-1]
        )
    if batch:
        right = sum(a == b for a, b in zip(batch[1][:8], batch[2][:8], strict=True))
        picture.alt += " " + _("Of {n} pictures shown of the last batch {right} are right.").format(
            n=len(batch[1][:8]), right=right
        )
    return picture


def _draw_batch(picture: Picture, images, truths, answers) -> None:
    columns = 2 if len(images) <= 4 else 4
    width = 0.29 / columns
    for k in range(min(8, len(images))):
        column, row = k % columns, k // columns
        axes = picture.add_axes([0.705 + width * column, 0.535 - 0.45 * row, 0.94 * width, 0.32])
        axes.imshow(images[k], interpolation="nearest")
        axes.set_axis_off()
        right = truths[k] == answers[k]
        axes.set_title(
            f"{'✓' if right else '✗'} {answers[k]}",
            fontsize=7.5,
            color=INK if right else ORANGE,
            pad=2,
        )
        axes.text(0.5, -0.04, truths[k], transform=axes.transAxes, ha="center", va="top", size=7.5)
    picture.text(
        0.85, 0.97, _("last batch: answer above, truth below"), ha="center", va="top", fontsize=8.5
    )


def comparison(losses: Mapping[str, Sequence[float]]) -> Picture:
    """Draw the validation loss of several trainings by epoch, the lowest of each ringed."""
    picture = Picture(7.0, 3.2)
    axes = plain_axes(picture)
    sentences = []
    for (name, values), (color, line, marker) in zip(losses.items(), CYCLE, strict=False):
        best = int(np.argmin(values))
        epochs = range(1, len(values) + 1)
        axes.plot(epochs, values, linestyle=line, marker=marker, ms=4, color=color, label=name)
        axes.plot(best + 1, values[best], "o", ms=13, mfc="none", mec=INK, mew=1.5)
        sentences.append(
            _("{name}: lowest after epoch {best}, {lowest:.2f}; at the end {last:.2f}.").format(
                name=name, best=best + 1, lowest=values[best], last=values[-1]
            )
        )
    _epoch_axis(axes)
    axes.set_ylabel(_("validation loss"))
    axes.legend(frameon=False)
    picture.alt = _("Validation loss.") + " " + " ".join(sentences)
    return picture
