"""The sample gallery, set from Python as a learner would in a browser."""

import re

import numpy as np
import pytest
import torch
from PIL import Image
from torchvision.transforms import v2

from labkit.data import ImageSet
from labkit.explorers.gallery import SampleGallery

PLAIN = v2.Compose(
    [
        v2.ToImage(),
        v2.ToDtype(torch.float32, scale=True),
        v2.Normalize([0.5] * 3, [0.5] * 3),
    ]
)
TARGETS = [2, 0, 2, 0, 0, 2, 2]


@pytest.fixture
def pictures():
    numbers = np.random.default_rng(0)
    data = numbers.integers(0, 256, (len(TARGETS), 32, 32, 3), dtype=np.uint8)
    return ImageSet(data, TARGETS, ("cat", "dog", "ship"), source="test", split="train")


def sent(view):
    """Return the numbers of each stage as the browser gets them."""
    numbers, stages = np.frombuffer(view.scene["values"], "<f4"), view.scene["stages"]
    counts = np.cumsum([np.prod(stage["shape"]) for stage in stages])
    return [
        part.reshape(stage["shape"])
        for part, stage in zip(np.split(numbers, counts[:-1]), stages, strict=True)
    ]


def test_the_browser_gets_the_numbers_that_the_transform_gives(pictures):
    gallery = SampleGallery(pictures, PLAIN)
    gallery.one.number.value = 5
    before, *_between, last = sent(gallery.one.view)
    assert np.array_equal(before, pictures.data[5].transpose(2, 0, 1))
    assert np.array_equal(last, PLAIN(Image.fromarray(pictures.data[5])))
    assert "Image 5 of 7: ship, label 2." in gallery.one.view.sentence


def test_back_next_and_random_stay_within_the_class(pictures):
    one = SampleGallery(pictures).one
    one.label.value = 0
    seen = [one.number.value]
    for button in (one.next, one.next, one.next, one.back, one.any, one.any):
        button.click()
        seen.append(one.number.value)
    assert seen[:5] == [1, 3, 4, 1, 4]
    assert seen[5] != 4 and seen[6] != seen[5]
    assert {TARGETS[index] for index in seen} == {0}


def test_a_typed_number_of_another_class_widens_the_choice(pictures):
    one = SampleGallery(pictures).one
    one.label.value = 0
    one.number.value = 2
    assert one.label.value == -1
    one.next.click()
    assert one.number.value == 3


def test_a_class_without_pictures_is_said_and_the_gallery_goes_on(pictures):
    gallery = SampleGallery(pictures)
    gallery.one.label.value = 1
    assert "no image of the class dog" in gallery.one.message.value
    gallery.one.next.click()
    gallery.one.label.value = 2
    assert gallery.one.message.value == ""
    gallery.classes.label.value = 1
    assert "no image of the class dog" in gallery.classes.message.value


def test_draw_again_is_offered_for_random_transforms_and_draws(pictures):
    assert SampleGallery(pictures, PLAIN).one.again.layout.display == "none"
    one = SampleGallery(pictures, v2.Compose([v2.RandomCrop(32, padding=8), PLAIN])).one
    assert one.again.layout.display == ""
    before = one.stages[-1].values
    one.again.click()
    assert not np.array_equal(one.stages[-1].values, before)


def test_the_selected_stage_and_the_cursor_stay_from_image_to_image(pictures):
    one = SampleGallery(pictures, PLAIN).one
    assert one.view.settings["selected"] == 3
    one.view.set(selected=1, row=4, column=30)
    one.next.click()
    assert one.view.settings == {"selected": 1, "row": 4, "column": 30}


def test_a_transform_that_raises_is_said_in_both_views(pictures):
    wrong = v2.Compose([v2.ToImage(), v2.Normalize([0.5], [0.5])])
    gallery = SampleGallery(pictures, wrong)
    assert "Normalize raises TypeError" in gallery.one.message.value
    assert [stage.name for stage in gallery.one.stages] == ["the image", "ToImage"]
    assert "TypeError" in gallery.batch.message.value and gallery.batch.table.value == ""
    gallery.one.next.click()
    assert "Normalize raises TypeError" in gallery.one.message.value


def test_a_transform_without_a_tensor_cannot_be_made_a_batch(pictures):
    batch = SampleGallery(pictures, v2.Resize(16)).batch
    assert "cannot make a batch. TypeError" in batch.message.value
    batch.next.click()
    assert "TypeError" in batch.message.value


def test_a_batch_holds_transformed_pictures_with_their_labels(pictures):
    batch = SampleGallery(pictures, PLAIN).batch
    assert batch.images.shape == (4, 3, 32, 32) and batch.labels.shape == (4,)
    known = torch.stack([PLAIN(Image.fromarray(data)) for data in pictures.data])
    for image, label in zip(batch.images, batch.labels, strict=True):
        (match,) = [n for n, other in enumerate(known) if torch.equal(image, other)]
        assert TARGETS[match] == label
    assert "[4, 3, 32, 32]" in batch.table.value and "[4]" in batch.table.value
    batch.next.click()
    assert batch.images.shape == (3, 3, 32, 32)
    batch.next.click()
    assert len(batch.images) == 4


def test_the_learners_random_numbers_are_left_alone(pictures):
    torch.manual_seed(0)
    expected = torch.rand(3)
    torch.manual_seed(0)
    gallery = SampleGallery(pictures, v2.Compose([v2.RandomCrop(32, padding=8), PLAIN]))
    for button in (gallery.one.again, gallery.one.any, gallery.batch.next):
        button.click()
    assert torch.equal(torch.rand(3), expected)


def test_others_of_a_class_follow_until_all_were_shown():
    data = np.zeros((50, 32, 32, 3), np.uint8)
    classes = SampleGallery(ImageSet(data, [0] * 50, ("all",), source="test")).classes
    assert "1 to 42 of 50" in classes.sheet.sentence
    classes.more.click()
    assert "43 to 50 of 50" in classes.sheet.sentence
    classes.more.click()
    assert "1 to 42 of 50" in classes.sheet.sentence


def test_of_many_classes_the_balance_shows_the_ends(pictures):
    names = [f"class {n}" for n in range(30)]
    targets = [n for n in range(30) for _picture in range(n + 1)]
    data = np.zeros((len(targets), 32, 32, 3), np.uint8)
    balance = SampleGallery(ImageSet(data, targets, names, source="test")).classes.balance
    assert "Of 30 classes, the 8 with the most" in balance.value
    rows = re.findall(r'"row">class (\d+)</th><td>.*?</td><td>(\d+)</td>', balance.value)
    assert [int(name) + 1 for name, _count in rows] == [int(count) for _name, count in rows]
    assert [rows[0], rows[-1], len(rows)] == [("29", "30"), ("0", "1"), 16]


def test_a_picture_of_ones_own_goes_through_the_transforms(pictures, tmp_path):
    Image.new("RGB", (50, 40), (255, 0, 0)).save(tmp_path / "red.png")
    one = SampleGallery(pictures, PLAIN).one
    one.own.path.value = str(tmp_path / "red.png")
    assert np.array_equal(sent(one.view)[-1][:, 9, 9], [1, -1, -1])
    assert "Your own image" in one.view.scene["title"]
    one.own.path.value = str(tmp_path / "none.png")
    assert "no such file" in one.own.message.value
    one.next.click()
    assert one.view.scene["title"].startswith("Image 1 of 7")


def test_without_a_kernel_a_still_picture_says_what_it_shows(pictures):
    bundle = SampleGallery(pictures, PLAIN)._repr_mimebundle_()
    assert "the image, ToImage, ToDtype, Normalize" in bundle["text/plain"]
    assert bundle["text/html"].startswith("<img")
