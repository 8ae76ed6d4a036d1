"""What all explorers share: the frame, the image with its sentence, the slider."""

import html
from collections.abc import Callable, Sequence
from functools import wraps
from pathlib import Path
from typing import Any

import anywidget
import ipywidgets as widgets
import traitlets

from labkit.display import in_notebook
from labkit.explorers.shared import stills
from labkit.plots.base import image_html
from labkit.text import _

STATIC = Path(__file__).parent


def joined(*files: Path) -> str:
    """Return files as one text: in a notebook one module cannot import another."""
    return "\n".join(file.read_text(encoding="utf-8") for file in files)


_OTHERS = sorted(set(STATIC.parent.glob("*/*.css")) - {STATIC / "looks.css"})
_RESTARTED = _("The kernel was restarted: run this cell again.")
SHEET = f'.lk-explorer {{ --lk-restarted: "{_RESTARTED}"; }}\n' + joined(
    STATIC / "looks.css", *_OTHERS
)
"""The style sheets of all explorers as one, so that rules win in one order, whoever comes first."""


class Screen(anywidget.AnyWidget):
    """An image and the sentence that says what it shows, which is also its alt text."""

    _esm = joined(STATIC / "parts.js", STATIC / "screen.js")
    _css = SHEET

    png = traitlets.Bytes(b"").tag(sync=True)
    sentence = traitlets.Unicode("").tag(sync=True)
    revision = traitlets.Int(0).tag(sync=True)
    width = traitlets.Int(0, help="Shown width in pixels; 0: as wide as the image is.").tag(
        sync=True
    )

    def show(self, png: bytes, sentence: str) -> None:
        """Show PNG bytes and say what to see in them, in one message to the browser."""
        with self.hold_sync():
            self.png, self.sentence, self.revision = png, sentence, self.revision + 1


class Slider(anywidget.AnyWidget):
    """A labelled slider with a native control; ``texts`` gives each position a word."""

    _esm = joined(*(STATIC / name for name in ("parts.js", "controls.js", "slider.js")))
    _css = SHEET

    label = traitlets.Unicode().tag(sync=True)
    value = traitlets.Union([traitlets.Int(), traitlets.Float()], default_value=0).tag(
        sync=True,
        echo_update=False,  # the browser need not hear what it has just said
    )
    minimum = traitlets.Union([traitlets.Int(), traitlets.Float()], default_value=0).tag(sync=True)
    maximum = traitlets.Union([traitlets.Int(), traitlets.Float()], default_value=10).tag(sync=True)
    step = traitlets.Union([traitlets.Int(), traitlets.Float()], default_value=1).tag(sync=True)
    texts = traitlets.List(traitlets.Unicode()).tag(sync=True)
    disabled = traitlets.Bool(False).tag(sync=True)

    @traitlets.validate("value")
    def _inside(self, proposal):
        return min(max(proposal["value"], self.minimum), self.maximum)

    @classmethod
    def of(cls, label: str, texts: Sequence[str], value: int = 0) -> "Slider":
        """Return a slider over the positions 0 .. ``len(texts) - 1``, each read as its text."""
        return cls(label=label, texts=list(texts), maximum=len(texts) - 1, value=value)


class Explorer(widgets.VBox):
    """A widget to look with: controls, a place for complaints, a screen below.

    Without a kernel it leaves a still image and a sentence: see `stills`.
    """

    def __init__(self, *controls: widgets.Widget, screen: widgets.Widget | None = None):
        """Stack ``controls`` over ``screen`` (a new ``Screen`` where none is given)."""
        self.screen: Any = screen or Screen()
        self.message = widgets.HTML()
        super().__init__([*controls, self.message, self.screen])
        self.add_class("lk-explorer")
        heard_in_main_thread(self)

    def still(self) -> tuple[bytes, str]:
        """Return what a reader without a kernel sees: a PNG and a sentence."""
        return self.screen.png, self.screen.sentence

    def still_table(self) -> str:
        """Return the HTML shown instead of an image where ``still`` gives none."""
        return ""

    def _repr_mimebundle_(self, **options):
        bundle = super()._repr_mimebundle_(**options)
        png, sentence = self.still()
        width = getattr(self.screen, "width", None)
        shown = image_html(png, sentence, width=width) if png else self.still_table()
        bundle["text/html"] = f"{shown}<p>{html.escape(sentence)}</p>"
        bundle["text/plain"] = sentence
        return bundle

    def _ipython_display_(self) -> None:
        stills.show(self._repr_mimebundle_(), self.model_id)

    def refresh_still(self) -> None:
        """Let what is saved in the notebook show the explorer as it is now."""
        if in_notebook():
            stills.replace(self._repr_mimebundle_(), self.model_id)


def heard_in_main_thread(widget: widgets.Widget) -> None:
    """Let the kernel's main thread handle what the browser says to ``widget`` and its children.

    JupyterLab 4.4 and newer opens a second thread (a subshell) for widgets, and ipykernel 7.4
    hands a message to the thread in which its widget spoke last. So two controls of one explorer
    would be handled at once, and one drawing would be lost. In the main thread they take turns
    with each other and with the cells.
    """
    if hasattr(widget.comm, "_reply_subshell_for"):
        widget.comm._reply_subshell_for = lambda _data, _default: None  # None is the main thread
    for child in getattr(widget, "children", ()):
        heard_in_main_thread(child)


def row(*children: widgets.Widget) -> widgets.HBox:
    """Put controls side by side in the grid that all explorers share, each under its name.

    A list or a text field takes two columns, unless it has the class ``lk-narrow``; anything else
    takes one, unless it has ``lk-wide``.
    """
    return widgets.HBox(children).add_class("lk-controls")


def complaint(text: str) -> str:
    """Return HTML for something that went wrong, with a sign beside the colour."""
    return f'<p role="alert" class="lk-complaint"><strong>⚠</strong> {html.escape(text)}</p>'


def reporting(callback: Callable) -> Callable:
    """Wrap a method of an explorer so that an exception in it is said in ``message``.

    In a browser an exception in a callback is invisible to the learner. labkit's ValueErrors are
    sentences for the learner; anything else is a fault of ours and is raised again, for nbval.
    What was said before goes first: what the method says itself, or another in it, stays.
    """

    @wraps(callback)
    def report(self, *arguments, **named):
        with self.message.hold_sync():  # the browser gets the outcome alone
            self.message.value = ""
            try:
                return callback(self, *arguments, **named)
            except ValueError as error:
                self.message.value = complaint(str(error))
            except Exception as error:
                text = _("This did not work: {error}. The cell above starts afresh.")
                self.message.value = complaint(text.format(error=error))
                raise

    return report
