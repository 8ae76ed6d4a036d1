"""The instructor's pages say what the notebooks, the checks and PyTorch say."""

import html
import json
import re

import pytest
import torch
from torch import nn

from labkit.model import Net
from tests import teaching
from tests.minutes import ROOT, count
from tests.teaching import ADDED, CORE, FOLDER, PROSE

ALTS = json.loads((ROOT / "images" / "alt.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize("name", ["run-sheet-60.md", "run-sheet-90.md", "mistakes.md"])
def test_a_page_is_what_the_command_writes(name):
    assert (FOLDER / name).read_text(encoding="utf-8") == teaching.pages()[name]


def test_the_page_of_mistakes_shows_no_code_that_a_learner_cannot_have_written():
    rows = re.findall(r"^\| (.+?) \| ", teaching.mistakes(), re.MULTILINE)
    assert "`` grey(image[[2, 1, 0]]) ``" in rows and "`` 255 * grey(image) ``" in rows
    assert [
        row for row in rows if re.search(r"\b_[a-z]\w*\(|\.judge|\.solution|``\W* ``", row)
    ] == []
    assert "`` kernel ``" in rows and "with a margin" in rows


@pytest.mark.parametrize("path", CORE, ids=lambda path: path.stem)
def test_every_section_of_a_core_has_its_sentences_and_no_other(path):
    told = {title for title, prose in PROSE[path.stem].items() if isinstance(prose, dict)}
    added = {
        part.title
        for part in count(path).sections
        if part.title.startswith(ADDED.get(path.stem, "no section"))
    }
    assert told == {part.title for part in teaching.sections(path)} | added
    assert len(added) == (path.stem in ADDED)


def test_both_labs_end_in_time_and_the_lesson_around_them_too():
    for length, closing in ((60, teaching.CLOSING), (90, 0)):
        ends = re.findall(r"^## \S+ to (\d):(\d\d)", teaching.run_sheet(length), re.MULTILINE)
        hours, minutes = map(int, ends[-1])
        assert hours * 60 + minutes <= length + closing
    spared = [minutes for _stem, _title, minutes in teaching.cut()]
    assert sum(spared) >= teaching.SLIDES + teaching.CLOSING
    assert len(spared) == sum(map(len, teaching.CUT.values()))
    left_out = [title for stem, title, _minutes in teaching.cut() if stem == "07_gpu"]
    assert left_out == [title for title, _minutes in teaching.timed(CORE[7])]


def test_the_numbers_of_the_questions_are_true():
    text = (FOLDER / "questions.md").read_text(encoding="utf-8")
    maps = nn.Sequential(nn.Conv2d(3, 6, 5), nn.MaxPool2d(2), nn.Conv2d(6, 16, 5), nn.MaxPool2d(2))
    assert f"{maps(torch.zeros(1, 3, 64, 64)).numel():,} inputs" in text
    parameters = sum(one.numel() for one in Net().conv1.parameters())
    assert f"`conv1` has {parameters} parameters" in text


def test_the_handout_computes_as_pytorch_does():
    text = (FOLDER / "handout.html").read_text(encoding="utf-8")
    rows = re.findall(r'data-layer="(\w+) ([\d ]+)">.*<b>(\d+)</b>', text)
    assert len(rows) == 4 + 3 + 8
    for kind, numbers, side in rows:
        n, k, s, p, d = map(int, numbers.split())
        layer = nn.Conv2d(1, 1, k, s, p, d) if kind == "conv" else nn.MaxPool2d(k, s, p, d)
        assert layer(torch.zeros(1, 1, n, n)).shape[-1] == int(side), (kind, numbers)
    said = {
        name: int(number.replace(",", ""))
        for name, number in re.findall(r'<b id="(\w+)">([\d,]+)</b>', text)
    }
    maps = nn.Sequential(nn.Conv2d(3, 6, 5), nn.MaxPool2d(2), nn.Conv2d(6, 16, 5), nn.MaxPool2d(2))
    assert said == {
        "flat": maps(torch.zeros(1, 3, 32, 32)).numel(),
        "nine": maps(torch.zeros(1, 3, 48, 48)).numel(),
        "ten": sum(one.numel() for one in nn.Conv2d(3, 8, 3).parameters()),
    }


def test_the_slides_show_our_images_with_their_alt_texts():
    text = (FOLDER / "slides.html").read_text(encoding="utf-8")
    shown = re.findall(r'<img src="../../images/([^"]+)" alt="([^"]+)">', text)
    assert shown and {name: html.unescape(alt) for name, alt in shown} == {
        name: ALTS[name] for name, _alt in shown
    }
    assert text.count("<img") == len(shown)
