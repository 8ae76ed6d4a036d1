"""The stage on which a network is told: all of it is drawn, and worked out, in the browser."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import traitlets

from labkit.explorers.shared.looks import STATIC
from labkit.explorers.shared.stage import Stage, script
from labkit.text import _

NUMBERS = ("maps", "weights", "image", "size", "at")


def _parts(story: dict) -> dict[str, dict]:
    numbers = {name: story[name] for name in NUMBERS if name in story}
    return {"numbers": numbers, "scene": {k: v for k, v in story.items() if k not in NUMBERS}}


class NetworkStage(Stage):
    """A story (`Reading.story`), the "place" that is chosen, and whether its sums are "opened".

    A place is line, map (or unit), row and column. ``scene`` has besides the story's plan the
    weight that is drawn full bright among the filters ("brightest"; 0: the largest of them) and why
    no pixels can be named ("blind"); ``numbers`` has what is new for each image and all weights.
    Weights that were too many to send are asked for by the message
    ``{"filter": [line, map]}``. Where ``scene`` names a "slider" of weights, of which ``numbers``
    has those "at" a place, ``{"weights": place}`` asks for another story, to be kept in ``ahead``.
    """

    _esm = script(
        STATIC / "chart.js",
        *map(Path(__file__).with_name, ("story.js", "sums.js", "lines.js", "stage.js")),
    )

    numbers = traitlets.Dict(help="`NUMBERS` of the story.").tag(sync=True)
    ahead = traitlets.Dict().tag(sync=True)

    def __init__(self, story: dict, filter_of: Callable[[int, int], np.ndarray]):
        """Show ``story``; ``filter_of(line, map)`` returns weights, and a bias behind them."""
        settings = {"place": [0, 0, 0, 0], "opened": False}
        super().__init__(**_parts(story), words=words(), settings=settings)
        self._filter_of = filter_of
        self.on_msg(self._answer)

    def tell(self, story: dict) -> None:
        """Show another story; of the same plan only the numbers are sent."""
        for name, part in _parts(story).items():
            setattr(self, name, part)

    def _answer(self, _stage, message: dict, _buffers) -> None:
        if "filter" in message:
            numbers = np.ascontiguousarray(self._filter_of(*message["filter"]), "<f4")
            self.send(message, [numbers.tobytes()])


def words() -> dict[str, str | list[str]]:
    """Return every word that the browser shows, translated here because it cannot do it."""
    number = _("This number is {value}: ")
    return {
        "colours": [_("red"), _("green"), _("blue")],
        "map": _("map {n}"),
        "unit": _("unit {n}"),
        "at place": _("{layer}, {map}, row {row}, column {column}"),
        "at unit": _("{layer}, {map}"),
        "place": _("row {row}, column {column}"),
        "padding": _("in the padding"),
        "part": _("{first}–{last} of {n}"),
        "more lines": _("⋮ {n} more layers"),
        "a number": _("The number in this map; arrow keys choose another"),
        "range": _("Black is {low}, white {high}."),
        "open": _("Open"),
        "close": _("Close (Esc)"),
        "back": _("← {layer}"),
        "hint": _(
            "Orange lines add, dashed blue ones subtract. Click a number to see how it is computed."
        ),
        "go back": _("Click an input, or press Enter, to see how that was computed."),
        "begins here": _("Here it begins: this number comes from the image."),
        "not known": _("How this layer computes its numbers is not shown."),
        "waiting": _("The weights of this layer are in the kernel. Run the cell to see them."),
        "channels": _("The maps that go in"),
        "channel adds": _("{name} adds {sum}"),
        "sum of each": _("what each map of {layer} adds"),
        "numbers": _("{name}"),
        "number": _("value"),
        "weight": _("weight"),
        "weights": _("weights"),
        "product": _("product"),
        "products": _("products"),
        "others": _("The other {n} products add up to {sum}."),
        "sum": _("sum"),
        "bias": _("bias"),
        "before": _("together"),
        "count": _("how many"),
        "largest": _("largest"),
        "mean": _("mean"),
        "deviation": _("deviation"),
        "scale": _("scale"),
        "shift": _("shift"),
        "logit": _("logit"),
        "power": _("e to the logit"),
        "share": _("share"),
        "all powers": _("all of these together"),
        "one map": _("1 map"),
        "maps": _("{n} maps"),
        "a bias": _("plus the bias {bias}"),
        "no bias": _("without a bias"),
        "says products": number
        + _("{count} products of the {height} × {width} window in {channels}, sum {sum}, {bias}"),
        "says linear": number + _("{count} products of a value and its weight, sum {sum}, {bias}"),
        "says largest": number + _("the largest of the {count} under the window in {source}"),
        "says mean": number + _("the mean of {count} under the window, sum {sum}"),
        "says scaled": number
        + _("{input} minus the mean {mean}, divided by {deviation}, times {scale}, plus {shift}"),
        "says sum": number + _("{inputs}, the numbers at this place in {source}"),
        "says activation": number + _("what the activation makes of {before}"),
        "says softmax": _(
            "{name} has {value}: e to the power of its logit {logit} is {power}, and all {count} "
            "classes together have {sum}"
        ),
        "says unknown": number
        + _("{layer} ({type}) computed it, in a way that this explorer cannot take apart"),
        "says input": number + _("it comes from the image"),
        "says pixel": _("This number is {value}, made of {colour} {byte} of 255 in the image."),
        "not here": number + _("its weights are in the kernel, too many to send."),
        "then another": _(", is {before}; {activation} makes it {value}."),
        "then the same": _("; {activation} leaves it as it is."),
        "sees": _(
            "It depends on {height} × {width} pixels of the image: rows {top}–{bottom}, columns "
            "{left}–{right}."
        ),
        "sees all": _("It depends on the whole image."),
        "sees nothing": _("It depends on no pixel of the image."),
    }
