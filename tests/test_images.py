"""The pictures of `images/` are true, and are what their scripts draw."""

import json
import re
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch.nn import functional as F

sys.path.append(str(Path(__file__).resolve().parents[1] / "images"))

from draw import (
    PICTURES,
    SCREENSHOTS,
    WORDLESS,
    convolution,
    landscape,
    network,
    pooling,
    sampler,
    splits,
    tensor,
)
from draw.__main__ import IMAGES, WORDS, main, translate

from labkit.model import Net
from labkit.text import LANGUAGES, catalogue

ALTS = json.loads((IMAGES / "alt.json").read_text(encoding="utf-8"))


def floats(values):
    return torch.from_numpy(np.asarray(values)).to(torch.float64)


def test_the_folder_holds_what_is_drawn_and_stays_small():
    for name in [*PICTURES, *SCREENSHOTS]:
        limit = 900_000 if name.endswith(".gif") else 700_000
        assert 0 < (IMAGES / name).stat().st_size < limit, name
    assert sum(path.stat().st_size for path in IMAGES.iterdir() if path.is_file()) < 3_000_000


@pytest.mark.parametrize("code", [code for code in LANGUAGES if code != "en"])
def test_each_language_has_the_pictures_that_have_words_with_its_own(code):
    """`make images` draws them again; in English it is tried that they are what is drawn."""
    folder, pictures = IMAGES / code, [name for name in PICTURES if name not in WORDLESS]
    assert sorted(path.name for path in folder.iterdir()) == sorted([WORDS, *pictures])
    assert sum(path.stat().st_size for path in folder.iterdir()) < 800_000
    written = json.loads((folder / WORDS).read_text(encoding="utf-8"))
    assert list(written) == pictures
    known = catalogue(code)
    for name, words in written.items():
        assert {text: known.gettext(text) for text in words} == words, f"{code}/{name} is old"
        with Image.open(folder / name) as drawn, Image.open(IMAGES / name) as english:
            assert drawn.size == english.size
            assert getattr(drawn, "n_frames", 1) == getattr(english, "n_frames", 1)


def test_what_is_written_into_a_picture_is_noted(tmp_path, monkeypatch):
    monkeypatch.setenv("LABKIT_LANGUAGE", "de")
    translate("de", ["splits.png"], tmp_path)
    noted = json.loads((tmp_path / WORDS).read_text(encoding="utf-8"))["splits.png"]
    assert noted["once, at the end"] == catalogue("de").gettext("once, at the end") != ""
    # Another matplotlib sets the letters a little apart, but the kept one is still the nearest.
    drawn = pixels(tmp_path / "splits.png")
    kept = {"en": pixels(IMAGES / "splits.png")}
    kept |= {code: pixels(IMAGES / code / "splits.png") for code in LANGUAGES if code != "en"}
    assert min(kept, key=lambda code: np.abs(drawn - kept[code]).mean()) == "de"


def pixels(path):
    with Image.open(path) as picture:
        return np.asarray(picture.convert("L"), dtype=float)


def test_every_picture_has_one_alt_text_fit_for_markdown():
    assert list(ALTS) == [*PICTURES, *SCREENSHOTS]
    for name, alt in ALTS.items():
        assert alt.endswith(".") and len(alt) > 80, name
        assert not set(alt) & set('[]"<>\n'), name


def test_notebooks_show_pictures_with_their_alt_text():
    shown = []
    for notebook in IMAGES.parent.glob("notebooks/*.ipynb"):
        cells = json.loads(notebook.read_text(encoding="utf-8"))["cells"]
        text = "".join("".join(cell["source"]) for cell in cells if cell["cell_type"] == "markdown")
        for alt, name in re.findall(r"!\[([^\]]*)\]\(\.\./images/([^)\s]+)\)", text):
            assert name in ALTS and alt == ALTS[name], f"{notebook.name}: {name}"
            shown.append(name)
    assert set(shown) == set(PICTURES)


def test_the_widget_in_the_readme_is_crisp_and_small():
    with Image.open(IMAGES / "widget.png") as picture:
        assert 900 <= picture.width <= 1_000
    assert (IMAGES / "widget.png").stat().st_size < 150_000
    assert ALTS["widget.png"] == SCREENSHOTS["widget.png"]


@pytest.mark.parametrize("name", PICTURES)
def test_a_picture_redrawn_is_the_one_in_the_folder(name, tmp_path):
    main([name], tmp_path)
    alts = json.loads((tmp_path / "alt.json").read_text(encoding="utf-8"))
    assert alts == {name: ALTS[name]}
    with Image.open(tmp_path / name) as drawn, Image.open(IMAGES / name) as kept:
        assert drawn.size == kept.size
        assert getattr(drawn, "n_frames", 1) == getattr(kept, "n_frames", 1)


@pytest.mark.parametrize("name", PICTURES)
def test_a_picture_is_opaque_and_framed_in_white(name):
    with Image.open(IMAGES / name) as picture:
        assert "transparency" not in picture.info and "A" not in picture.getbands()
        pixels = np.asarray(picture.convert("RGB"))
    for edge in (pixels[:5], pixels[-5:], pixels[:, :5], pixels[:, -5:]):
        assert (edge == 255).all()


def test_the_same_drawing_is_the_same_file(tmp_path):
    for attempt in ("a", "b"):
        (tmp_path / attempt).mkdir()
        main(["splits.png"], tmp_path / attempt)
    assert (tmp_path / "a/splits.png").read_bytes() == (tmp_path / "b/splits.png").read_bytes()


@pytest.mark.parametrize(
    ("image", "kernel", "bias"),
    [
        (convolution.EDGE[None], convolution.EDGE_KERNEL[None], 0),
        (convolution.PATCH, convolution.FILTER, convolution.BIAS),
    ],
)
def test_the_convolutions_shown_are_those_of_torch(image, kernel, bias):
    ours = convolution.convolve(image, kernel, bias)
    theirs = F.conv2d(floats(image)[None], floats(kernel)[None], floats([bias]))
    assert theirs.shape == (1, 1, *ours.shape)
    assert (floats(ours) == theirs[0, 0]).all()


def test_the_channel_sums_and_the_bias_add_up_to_the_number_shown():
    result = convolution.convolve(convolution.PATCH, convolution.FILTER, convolution.BIAS)
    for place in np.ndindex(result.shape):
        assert convolution.channel_sums(*place).sum() + convolution.BIAS == result[place]


@pytest.mark.parametrize("values", [pooling.EVEN, pooling.ODD])
def test_the_pooling_shown_is_that_of_torch(values):
    theirs = F.max_pool2d(floats(values)[None, None], 2, 2)[0, 0]
    assert (floats(pooling.pool(values)) == theirs).all()


def test_the_largest_number_of_the_odd_map_lies_where_no_window_reaches():
    assert pooling.ODD.max() > pooling.pool(pooling.ODD).max()


def test_every_pooling_window_has_one_winner():
    for values in (pooling.EVEN, pooling.ODD):
        for place in np.ndindex(2, 2):
            block = pooling.window(values, *place)
            assert (block == block.max()).sum() == 1


def test_the_network_shown_is_the_one_that_runs():
    steps = {}
    for step in network.trace(Net()):
        steps.setdefault(step.name, []).append(step)
    assert steps["input"][0].shape == (3, 32, 32)
    assert steps["conv1"][0].shape == (6, 28, 28)
    assert [step.shape for step in steps["pool"]] == [(6, 14, 14), (16, 5, 5)]
    assert steps["conv2"][0].shape == (16, 10, 10) and steps["conv2"][0].window == (6, 5, 5)
    vectors = [steps[name][0].shape for name in ("flatten", "fc1", "fc2", "fc3")]
    assert vectors == [(400,), (120,), (84,), (10,)]
    counted = sum(step.parameters for each in steps.values() for step in each)
    assert counted == sum(p.numel() for p in Net().parameters())


def test_another_network_gives_another_picture_of_it():
    wide = {step.name: step.shape for step in network.trace(Net(classes=3, width=2))}
    assert wide["conv1"] == (12, 28, 28) and wide["fc3"] == (3,)


def test_each_walker_is_what_its_label_says_and_stays_on_the_landscape():
    for walker in landscape.WALKERS:
        optimizer = walker.make([torch.zeros(2, requires_grad=True)])
        numbers = dict(part.split() for part in walker.setting.split(", "))
        group = optimizer.param_groups[0]
        assert type(optimizer).__name__ == walker.name
        assert group["lr"] == float(numbers["lr"])
        assert group.get("momentum", 0) == float(numbers.get("momentum", 0))
        assert np.abs(landscape.walk(walker)[:, :2]).max() < landscape.SURFACE.reach[0][1]
    assert landscape.SURFACE.heights(200)[1].max() <= landscape.HIGHEST


def test_the_batch_starts_with_the_item_beside_it():
    image, batch = tensor.images()
    assert batch.shape == (4, 3, 32, 32) and torch.equal(batch[0], image)


def test_the_parts_of_a_source_are_those_the_loader_gives():
    from labkit.data import load

    assert splits.parts(*splits.SOURCES["drawn"]) == tuple(map(len, load("drawn")))
    assert splits.parts(*splits.SOURCES["CIFAR-10"]) == (47_500, 2_500, 10_000)


def test_the_sampler_shows_the_drawn_pictures_pixel_by_pixel():
    with Image.open(IMAGES / "cifar10.png") as picture:
        page = np.asarray(picture)
    for row, images in enumerate(sampler.samples().values()):
        for column, image in enumerate(images):
            x, y = (round(1.5 * place) for place in sampler.corner(row, column))
            middles = page[y + 1 : y + 96 : 3, x + 1 : x + 96 : 3]  # of squares of 3 x 3
            assert (middles == image).all(), "the drawn pictures changed: run `make images`"
