import numpy as np
import pytest

from labkit.plots.samples import bars, channels, class_balance, class_rows, gallery, histograms


@pytest.fixture
def images():
    return np.random.default_rng(0).integers(0, 256, (6, 32, 32, 3), dtype=np.uint8)


def test_a_gallery_names_every_picture_in_order(images):
    plot = gallery(images[:3], ["frog", "truck", "cat"], columns=2)
    assert plot.alt == "3 images, read by rows: frog, truck, cat."
    assert [ax.get_title() for ax in plot.axes] == ["frog", "truck", "cat"]


def test_a_gallery_takes_pictures_of_unequal_size(images):
    plot = gallery([images[0], images[1][:10, :20]], ["whole", "part"])
    assert plot.png().startswith(b"\x89PNG")


@pytest.mark.parametrize("captions", [[], ["one"]])
def test_a_gallery_without_a_caption_for_each_picture_is_refused(images, captions):
    with pytest.raises(ValueError, match="captions"):
        gallery(images, captions)


def test_an_empty_gallery_is_refused():
    with pytest.raises(ValueError, match="at least one"):
        gallery([], [])


def test_each_row_shows_pictures_of_its_own_class_only(images):
    plot = class_rows(images, [1, 0, 1, 1, 0, 1], ["cat", "dog"], each=3)
    shown = [
        [ax.images[0].get_array() for ax in plot.axes[row : row + 3] if ax.images] for row in (0, 3)
    ]
    assert [len(row) for row in shown] == [2, 3]  # class 0 has two pictures only
    np.testing.assert_array_equal(shown[0], images[[1, 4]])
    np.testing.assert_array_equal(shown[1], images[[0, 2, 3]])


def test_each_channel_is_drawn_with_its_own_values(images):
    image = images[0].copy()
    image[..., 0], image[..., 1], image[..., 2] = 200, 100, 0
    plot = channels(image)
    drawn = [ax.images[0].get_array() for ax in plot.axes]
    assert [layer.max() for layer in drawn[1:]] == [200, 100, 0]
    assert "red 200, green 100, blue 0" in plot.alt


def test_the_histograms_count_every_value_once(images):
    before = images.transpose(0, 3, 1, 2) / 255
    plot = histograms(before, (before - 0.5) / 0.5)
    totals = [sum(patch.get_data().values) for ax in plot.axes for patch in ax.patches]
    assert totals == [before[:, 0].size] * 6
    assert "before: from 0.0 to 1.0" in plot.alt
    assert "after: from -1.0 to 1.0" in plot.alt


def test_the_balance_of_equal_classes_is_one_number():
    plot = class_balance({"train": [5, 5], "test": [2, 2]}, ["cat", "dog"])
    assert plot.alt == (
        "Bars of the images per class. train: 5 of every class; test: 2 of every class."
    )


def test_the_balance_of_unequal_classes_names_the_poorest_and_the_richest():
    plot = class_balance({"train": [50, 1200, 7]}, ["cat", "dog", "eel"])
    assert "from 7 (eel) to 1,200 (dog)" in plot.alt


def test_bars_are_as_long_as_their_values_and_say_them():
    plot = bars(["loop", "tensor"], [1500.0, 2.5], unit="ms", title="Adding.")
    assert [bar.get_width() for bar in plot.axes[0].patches] == [1500.0, 2.5]
    assert "loop: 1,500 ms; tensor: 2.50 ms" in plot.alt
