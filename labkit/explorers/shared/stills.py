"""What a notebook shows of an explorer whose kernel is gone.

Jupyter saves no widgets, and where one was it says "model not found". So an explorer leaves two
outputs: a still image in HTML, and the widget under it. A style sheet inside the first hides the
still while the widget below is alive, and hides the place of the widget while it is not. In a
notebook that is not trusted Jupyter shows neither style sheet nor widget: the still is all.
"""

import html

from IPython.display import display, update_display

from labkit.text import _

VIEW = "application/vnd.jupyter.widget-view+json"

_STILL = ".jp-OutputArea-child:has(.lk-still)"
_WIDGET = ".jp-OutputArea-child > .jp-OutputArea-output:not([data-mime-type])"
_RULES = f"""
{_STILL}:has(+ {_WIDGET} .lk-explorer) {{ display: none; }}
{_STILL}:has(+ {_WIDGET}) {{ overflow: hidden; animation: lk-wait 2s; }}
{_STILL} + {_WIDGET}:not(:has(.lk-explorer)) {{ display: none; }}
@keyframes lk-wait {{ from, to {{ max-height: 0; }} }}
.lk-still-hint {{ opacity: 0.75; }}
"""
"""The still waits 2 s, in which a widget that is alive appears: nothing jumps when a cell runs."""


def show(bundle: dict, name: str) -> None:
    """Show still and widget; ``bundle`` is what ``_repr_mimebundle_`` returns."""
    display(_still(bundle), raw=True, display_id=name)
    display({VIEW: bundle[VIEW]}, raw=True)


def replace(bundle: dict, name: str) -> None:
    """Replace the still that was shown under ``name``."""
    update_display(_still(bundle), raw=True, display_id=name)


def _still(data: dict) -> dict:
    hint = html.escape(_("Run the cell to move it."))
    shown = (
        f'<style>{_RULES}</style><div class="lk-still">{data["text/html"]}'
        f'<p class="lk-still-hint">{hint}</p></div>'
    )
    return {"text/html": shown, "text/plain": data["text/plain"]}
