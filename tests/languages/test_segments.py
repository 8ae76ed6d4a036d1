import json
from pathlib import Path

import pytest

from labkit.languages.segments import segments, translate

ROOT = Path(__file__).parents[2]

TEXT = """\
# A title #

Two lines that
end in a break  
here, with `code`, $a_b$ and [a link](03_cnn.ipynb "see").

> A quotation
> of two lines

1. one
   and more
   - inside

     | a row | `x \\| y` | |
     |---|---|---|
     | left | 1.5 | right |

```
not this
```

$$ not = this $$

<details>
<summary>What we saw</summary>

Inside.

</details>

Below
=====
[English](00_setup.ipynb) · [Deutsch](de/00_setup.ipynb)
"""


def texts():
    for path in sorted((ROOT / "notebooks").glob("[0-9]*.ipynb")):
        for cell in json.loads(path.read_text("utf-8"))["cells"]:
            if cell["cell_type"] == "markdown":
                yield "".join(cell["source"])
    for path in [*ROOT.glob("*.md"), *(ROOT / "notebooks").rglob("*.md")]:
        yield path.read_text("utf-8")
    yield TEXT


def test_what_is_put_back_as_it_was_is_the_same_to_the_byte():
    count = 0
    for source in texts():
        assert translate(source, lambda piece: piece) == source
        count += len(list(segments(source)))
    assert count > 1500


def test_every_piece_is_found_and_nothing_that_is_not_prose():
    assert [(piece.kind, piece.text) for piece in segments(TEXT)] == [
        ("h1", "A title"),
        (
            "p",
            "Two lines that\nend in a break  \n"
            'here, with `code`, $a_b$ and [a link](03_cnn.ipynb "see").',
        ),
        ("p", "A quotation\nof two lines"),
        ("p", "one\nand more"),
        ("p", "inside"),
        ("th", "a row"),
        ("td", "left"),
        ("td", "right"),
        ("html", "<details>\n<summary>What we saw</summary>"),
        ("p", "Inside."),
        ("h1", "Below"),
    ]


@pytest.mark.parametrize("lines", [1, 2, 3])
def test_a_piece_may_have_more_or_fewer_lines(lines):
    new = "\n".join(["neu"] * lines)
    made = translate(TEXT, lambda piece: new if piece.startswith(("A quot", "one")) else piece)
    assert "\n\n" + "\n".join(["> neu"] * lines) + "\n\n1. neu" + "\n   neu" * (lines - 1) in made
    assert "\n   - inside" in made
