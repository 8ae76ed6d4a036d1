"""The preflight: every state of every row, from facts made up for it."""

from dataclasses import replace
from html.parser import HTMLParser

import pytest

from labkit import preflight
from labkit.machine import Facts
from labkit.preflight import CARE, FIX, READY, judge

GOOD = Facts(
    python=(3, 12, 1),
    torch="2.6.0",
    torchvision="0.21.0",
    accelerator=None,
    unused_gpu=False,
    source="cifar10",
    source_problem="",
    photographs=True,
    folder="/home/ada/.cache/labkit",
    cache_serves=True,
    disk=50 * 10**9,
    memory=8 * 10**9,
    shared_memory=8 * 10**9,
    start_method="fork",
    ipywidgets="8.1.9",
    lab_widgets="3.0.17",
)


def row(name, **facts):
    return next(row for row in judge(replace(GOOD, **facts)).rows if row.name == name)


def test_a_good_machine_is_ready_in_every_row_and_has_nothing_to_do():
    report = judge(GOOD)
    assert [row.name for row in report.rows] == [
        "Python",
        "torch",
        "device",
        "data",
        "disk space",
        "memory",
        "/dev/shm",
        "workers",
        "widgets",
    ]
    assert {row.state for row in report.rows} == {READY}
    assert not any(row.advice for row in report.rows)
    assert report.summary() == "Everything is ready."


@pytest.mark.parametrize(
    ("name", "facts", "state", "advice"),
    [
        ("Python", {"python": (3, 10, 14)}, FIX, "3.11 or newer"),
        ("torch", {"torch": None}, FIX, "torchvision"),
        ("torch", {"torchvision": None}, FIX, "Install both in one command"),
        ("device", {"unused_gpu": True}, CARE, "torch with CUDA"),
        ("data", {"source": None, "source_problem": "There is no folder x."}, FIX, "Choose"),
        ("data", {"photographs": False}, CARE, "170 MB"),
        ("data", {"source": "auto", "photographs": False}, CARE, "where there is a network"),
        ("disk space", {"disk": 1.9e9}, CARE, "2.0 GB"),
        ("disk space", {"disk": 0.4e9}, FIX, "LABKIT_CACHE"),
        ("disk space", {"cache_serves": False}, CARE, "LABKIT_CACHE"),
        ("memory", {"memory": 1.1e9}, CARE, "Shut down"),
        ("memory", {"memory": 0.5e9}, FIX, "Shut down"),
        ("/dev/shm", {"shared_memory": 64 * 10**6}, CARE, "num_workers=0"),
        ("workers", {"start_method": "spawn"}, CARE, ".py file"),
        ("workers", {"start_method": "forkserver"}, CARE, ".py file"),
        ("widgets", {"ipywidgets": None}, FIX, "pip install"),
        ("widgets", {"ipywidgets": "7.8.1"}, FIX, "pip install"),
        ("widgets", {"lab_widgets": None}, CARE, "jupyterlab_widgets"),
        ("widgets", {"lab_widgets": "1.1.7"}, CARE, "jupyterlab_widgets"),
    ],
)
def test_what_is_wrong_is_named_with_one_thing_to_do(name, facts, state, advice):
    judged = row(name, **facts)
    assert judged.state == state
    assert advice in judged.advice


@pytest.mark.parametrize(
    ("name", "facts", "found"),
    [
        ("Python", {"python": (3, 11, 0)}, "3.11.0"),
        ("device", {"accelerator": "cuda:0 (Card, 8 GB)", "unused_gpu": True}, "Card"),
        ("data", {"source": "drawn", "photographs": False}, "drawn"),
        ("data", {"source": "/home/ada/cats", "photographs": False}, "/home/ada/cats"),
        ("data", {"source": "auto"}, "CIFAR-10"),
        ("disk space", {"disk": 2.0e9}, "2.0 GB"),
        ("memory", {"memory": 1.2e9}, "1.2 GB"),
        ("/dev/shm", {"shared_memory": None}, "not used"),
    ],
)
def test_what_is_good_enough_is_ready(name, facts, found):
    judged = row(name, **facts)
    assert (judged.state, judged.advice) == (READY, "")
    assert found in judged.found


def test_the_summary_counts_what_to_fix_before_what_to_take_care_of():
    one = judge(replace(GOOD, start_method="spawn"))
    assert one.summary() == "You can start. 1 thing is worth knowing."
    two = judge(replace(GOOD, start_method="spawn", torch=None, disk=0))
    assert two.summary() == "2 things to fix before you start."


class Cells(HTMLParser):
    """Collect the text of each cell, row by row, and the scopes of the headings."""

    def __init__(self, page):
        super().__init__()
        self.rows, self.scopes = [], []
        self.feed(page)

    def handle_starttag(self, tag, attributes):
        if tag == "tr":
            self.rows.append([])
        if tag in ("td", "th"):
            self.rows[-1].append("")
            self.scopes += [value for name, value in attributes if name == "scope"]

    def handle_data(self, data):
        if self.rows and self.rows[-1]:
            self.rows[-1][-1] += data


def test_the_table_says_each_state_in_a_sign_and_a_word_and_not_by_colour_alone():
    page = judge(replace(GOOD, disk=0, start_method="spawn"))._repr_html_()
    cells = Cells(page[page.index("<details>") :])
    states = {line[0]: line[1] for line in cells.rows[1:]}
    assert states["Python"] == "✓ ready"
    assert states["workers"] == "! take care"
    assert states["disk space"] == "✗ fix"
    assert cells.scopes == ["col"] * 4 + ["row"] * 9


def test_what_needs_attention_is_shown_before_the_fold_and_nothing_else():
    page = judge(replace(GOOD, disk=0, start_method="spawn"))._repr_html_()
    cells = Cells(page[: page.index("<details>")])
    assert [line[0] for line in cells.rows[1:]] == ["disk space", "workers"]
    ready = judge(GOOD)._repr_html_()
    assert "<table" not in ready[: ready.index("<details>")]
    assert "Everything is ready." in ready[: ready.index("<details>")]


def test_a_path_with_angle_brackets_is_shown_and_not_run():
    page = judge(replace(GOOD, folder="/tmp/<script>alert(1)</script>"))._repr_html_()
    assert "<script>" not in page
    assert "&lt;script&gt;" in page


def test_as_plain_text_each_row_is_a_line_with_its_advice():
    lines = str(judge(replace(GOOD, torch=None))).splitlines()
    assert len(lines) == 10
    assert lines[2].startswith("✗ fix        torch: torch not found")
    assert "-> Install both" in lines[2]


def test_every_badge_can_be_read():
    for _sign, colour in preflight._LOOKS.values():
        assert contrast_with_white(colour) >= 4.5


def contrast_with_white(colour):
    """Return the contrast ratio of WCAG 2.2 (https://www.w3.org/TR/WCAG22/#dfn-contrast-ratio)."""
    values = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [v / 12.92 if v <= 0.04045 else ((v + 0.055) / 1.055) ** 2.4 for v in values]
    return 1.05 / (sum(w * v for w, v in zip((0.2126, 0.7152, 0.0722), linear, strict=True)) + 0.05)
