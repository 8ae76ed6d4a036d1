"""Shares as a table of bars: of classes, of amounts."""

import html
from collections.abc import Sequence

from labkit.text import _, written


def bars(
    names: Sequence[str],
    shares: Sequence[float],
    caption: str,
    marked: int = -1,
    texts: Sequence[str] = (),
) -> str:
    """Return HTML: a line with a bar for each of ``shares``.

    names: what stands before the bars
    shares: their lengths, 0 to 1
    caption: of the whole, as text
    marked: the place of the one that stands out; -1 for none
    texts: what stands behind the bars (default: the shares in %)
    """
    texts = texts or [written(share, ".1%") for share in shares]
    rows = "".join(
        f"<tr{' class=lk-best' if n == marked else ''}>"
        f'<th scope="row">{html.escape(name)}</th>'
        f'<td><i style="width: {100 * share:.1f}%"></i></td>'
        f"<td>{text}</td></tr>"
        for n, (name, share, text) in enumerate(zip(names, shares, texts, strict=True))
    )
    return f'<table class="lk-bars"><caption>{html.escape(caption)}</caption>{rows}</table>'


def prediction(names: Sequence[str], shares: Sequence[float], *, most: int = 10) -> str:
    """Return bars of a network's probabilities by class; of more than ``most`` the likeliest."""
    order = sorted(range(len(names)), key=lambda n: -shares[n])
    best = order[0]
    order = order[:most] if len(names) > most else sorted(order)
    text = _("The network predicts {name}, {share:.0%}.")
    caption = text.format(name=names[best], share=shares[best])
    shown = [names[n] for n in order], [shares[n] for n in order]
    return bars(*shown, caption, order.index(best))
