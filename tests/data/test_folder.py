"""A folder of one's own images, however it looks inside."""

import os
import shutil

import numpy as np
import pytest
from PIL import Image

from labkit.data import DataError, load, sources

COLOURS = {"apple": (200, 0, 0), "lime": (0, 200, 0), "plum": (90, 0, 160)}

links = pytest.mark.skipif(os.name == "nt", reason="links need rights on Windows")


@pytest.fixture(autouse=True)
def fresh(monkeypatch, tmp_path):
    monkeypatch.setenv("LABKIT_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(sources, "_told", set())


def fill(folder, count=10, classes=tuple(COLOURS)):
    for name in classes:
        (folder / name).mkdir(parents=True)
        for number in range(count):
            Image.new("RGB", (40, 30), COLOURS[name]).save(folder / name / f"{number}.png")
    return folder


@pytest.fixture
def fruit(tmp_path):
    return fill(tmp_path / "my früit")


def sizes(splits):
    return [len(part) for part in splits]


def test_images_get_the_label_of_their_folder(fruit):
    splits = load(fruit)
    for part in splits:
        assert part.classes == ["apple", "lime", "plum"]
        assert part.source == str(fruit)
        for pixels, label in zip(part.data, part.targets, strict=True):
            assert pixels[16, 16].tolist() == list(COLOURS[part.classes[label]])


@pytest.mark.parametrize("inside", ["", "train"])
def test_without_a_test_folder_one_in_five_of_each_class_is_for_testing(tmp_path, inside):
    fill(tmp_path / "x" / inside)
    sets = load(tmp_path / "x")
    assert sizes(sets) == [22, 2, 6]
    assert np.bincount(sets.test.targets).tolist() == [2, 2, 2]


def test_each_image_is_in_one_set_and_the_first_are_of_all_classes(tmp_path):
    for number in range(60):
        path = tmp_path / "x" / "ab"[number % 2] / f"{number}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (32, 32), (number, 0, 0)).save(path)
    sets = load(tmp_path / "x")
    assert sorted(pixels[0, 0, 0] for part in sets for pixels in part.data) == list(range(60))
    assert set(sets.train.targets[:12]) == {0, 1}


@pytest.mark.parametrize("other", ["Test", "val"])
def test_a_test_folder_or_one_in_its_stead_is_kept_apart(tmp_path, other):
    fill(tmp_path / "x" / "train", 11)
    fill(tmp_path / "x" / other, 2)
    assert sizes(load(tmp_path / "x")) == [30, 3, 6]


def test_images_are_read_once_whatever_the_folder_is_called(fruit, monkeypatch, capsys):
    monkeypatch.chdir(fruit.parent)
    monkeypatch.setattr("labkit.data.read_image.decode", spy := Spy())
    first = load(fruit.name)
    for name in (fruit, str(fruit), f"./{fruit.name}", f"{fruit}/"):
        assert load(name).train.targets == first.train.targets
    assert spy.count == 30


class Spy:
    """Counts how many images are read, and makes grey ones."""

    count = 0

    def __call__(self, _path, name, large):
        self.count += 1
        return np.full((32, 32, 3), 128, np.uint8)


CHANGES = {
    "added": lambda plum: shutil.copy(plum / "0.png", plum / "new.png"),
    "removed": lambda plum: (plum / "9.png").unlink(),
    "repainted": lambda plum: Image.new("RGB", (40, 30), (1, 2, 3)).save(plum / "9.png"),
    "touched": lambda plum: os.utime(plum / "9.png", ns=(1, 1)),
    "renamed": lambda plum: plum.rename(plum.with_name("prune")),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_a_change_in_the_folder_is_seen_and_the_old_arrays_go(fruit, change, monkeypatch, tmp_path):
    load(fruit)
    change(fruit / "plum")
    monkeypatch.setattr("labkit.data.read_image.decode", spy := Spy())
    load(fruit)
    assert 29 <= spy.count <= 31
    assert len(list((tmp_path / "cache").glob("folder-*"))) == 1


def test_an_unreadable_file_is_skipped_and_named(fruit, capsys):
    (fruit / "lime" / "notes.txt").write_text("sour")
    (fruit / "plum" / "broken.png").write_bytes((fruit / "plum" / "0.png").read_bytes()[:60])
    assert sum(sizes(load(fruit))) == 30
    said = capsys.readouterr().err
    assert f"2 things in {fruit} could not be used" in said
    assert os.path.join("lime", "notes.txt") in said
    assert os.path.join("plum", "broken.png") in said


def test_skipped_files_are_told_once_in_a_process_and_again_in_the_next(fruit, monkeypatch, capsys):
    (fruit / "lime" / "notes.txt").write_text("sour")
    load(fruit)
    load(fruit)
    assert capsys.readouterr().err.count("notes.txt") == 1
    monkeypatch.setattr(sources, "_told", set())  # as in a new process, which reads the cache
    load(fruit)
    assert "notes.txt" in capsys.readouterr().err


def test_of_many_unreadable_files_five_are_named_and_the_rest_counted(fruit, capsys):
    for number in range(12):
        (fruit / "lime" / f"bad {number:02}.jpg").write_bytes(b"")
    load(fruit)
    said = capsys.readouterr().err
    assert said.count("bad ") == 5 and "... and 7 more" in said


def test_what_systems_leave_about_is_passed_over_in_silence(fruit, capsys):
    for name in (".DS_Store", "Thumbs.db", "desktop.ini", "._0.png", "Icon\r"):
        (fruit / "lime" / name).write_bytes(b"x")
    (fruit / ".ipynb_checkpoints").mkdir()
    fill(fruit / "__MACOSX", classes=("lime",))
    (fruit / "read me.txt").write_text("beside the classes")
    assert sum(sizes(load(fruit))) == 30
    assert capsys.readouterr().err == ""


def test_a_folder_inside_a_class_is_named(fruit, capsys):
    fill(fruit / "lime" / "more", classes=("plum",))
    assert sum(sizes(load(fruit))) == 30
    assert f"{os.path.join('lime', 'more')}: a folder inside a class" in capsys.readouterr().err


def test_of_an_image_that_is_too_large_only_one_sentence_tells(fruit, capsys, recwarn):
    Image.new("1", (10_000, 10_000)).save(fruit / "lime" / "large.png")
    assert sum(sizes(load(fruit))) == 30
    assert "large.png: more than 25 million pixels" in capsys.readouterr().err
    assert not [said for said in recwarn if said.category is Image.DecompressionBombWarning]


@links
def test_a_link_that_leads_to_itself_is_no_image(fruit, capsys):
    (fruit / "lime" / "self").symlink_to(fruit / "lime" / "self")
    assert sum(sizes(load(fruit))) == 30
    assert os.path.join("lime", "self") in capsys.readouterr().err


@links
@pytest.mark.parametrize("target", ["pear", "elsewhere"], ids=["itself", "nowhere"])
def test_a_class_that_is_a_lost_link_is_not_passed_over(fruit, target):
    (fruit / "pear").symlink_to(fruit / target)
    with pytest.raises(DataError, match="pear cannot be followed: repair it, or remove it"):
        load(fruit)


@links
def test_a_link_to_nowhere_is_named_and_a_good_one_followed(fruit, capsys):
    (fruit / "lime" / "gone.png").symlink_to(fruit / "nothing.png")
    (fruit / "lime" / "linked.png").symlink_to(fruit / "lime" / "0.png")
    assert sum(sizes(load(fruit))) == 31
    assert "gone.png: there is no such file" in capsys.readouterr().err


def test_a_class_without_test_images_is_told(tmp_path, capsys):
    fill(tmp_path / "x" / "train")
    fill(tmp_path / "x" / "test", classes=("apple", "plum"))
    assert sizes(load(tmp_path / "x"))[2] == 20
    assert "lime: no test image of this class" in capsys.readouterr().err


def test_a_tiny_folder_works(tmp_path):
    assert sizes(load(fill(tmp_path / "x", 3))) == [5, 1, 3]


def test_an_empty_class_is_refused(fruit):
    (fruit / "quince").mkdir()
    refused(fruit, "quince has no images")


def test_files_that_are_no_images_leave_no_class_and_no_test_images(fruit):
    for path in fill(fruit / "x" / "test", 1).glob("*/*"):
        path.write_bytes(b"")
    fill(fruit / "x" / "train")
    refused(fruit / "x", "no image to test with")
    (fruit / "quince").mkdir()
    (fruit / "quince" / "a.jpg").write_text("no image")
    shutil.rmtree(fruit / "x")
    refused(fruit, "class quince .*a.jpg: not an image")


def refused(folder, said):
    with pytest.raises(DataError, match=said) as error:
        load(folder)
    assert "\n" not in str(error.value)


def test_a_folder_that_may_not_be_opened_gets_one_clear_message(fruit, monkeypatch):
    def refuse(_path):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(os, "scandir", refuse)
    with pytest.raises(DataError, match="früit cannot be opened: Permission denied"):
        load(fruit)
