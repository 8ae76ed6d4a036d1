"""What a folder's layout says about the classes, and what is passed over: never in silence."""

import os
import unicodedata
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from labkit.data import DataError, load, sources


@pytest.fixture(autouse=True)
def fresh(monkeypatch, tmp_path):
    monkeypatch.setenv("LABKIT_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(sources, "_told", set())


def paint(*paths: Path | str, count: int = 6) -> None:
    """Put images into each folder, or one image where the path has an extension."""
    for path in map(Path, paths):
        files = [path] if path.suffix else [path / f"{number}.png" for number in range(count)]
        for file in files:
            file.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(np.zeros((8, 8, 3), np.uint8)).save(file)


def kaggle(folder: Path) -> Path:
    for number in range(6):
        for name in (f"train/cat.{number}.jpg", f"train/dog.{number}.jpg", f"test1/{number}.jpg"):
            paint(folder / name)
    return folder


def test_loose_files_of_kaggle_are_classes_by_their_names_and_the_test_files_are_left(
    tmp_path, capsys
):
    sets = load(kaggle(tmp_path / "x"))
    assert sets.train.classes == ["cat", "dog"]
    assert sum(map(len, sets)) == 12
    said = capsys.readouterr().err
    assert "classes are those in the file names, cat (6), dog (6)" in said
    assert "test1: not used" in said


def test_the_labels_of_loose_files_are_those_in_their_names(tmp_path):
    for number in range(6):
        paint(tmp_path / "x" / f"cat.{number}.png")
        Image.new("RGB", (8, 8), (255, 0, 0)).save(tmp_path / "x" / f"dog.{number}.png")
    for part in load(tmp_path / "x"):
        assert [int(pixels.max() > 0) for pixels in part.data] == part.targets


@pytest.mark.parametrize("name", ["IMG_0001.jpg", "1.jpg", "cat.1.notes.jpg"])
def test_loose_files_with_other_names_are_refused(tmp_path, name):
    paint(kaggle(tmp_path / "x") / "train" / name)
    with pytest.raises(DataError, match="At least two classes"):
        load(tmp_path / "x")


@pytest.mark.parametrize(
    "names",
    [
        ("training", "testing"),
        ("train1", "test1"),
        ("seg_train", "seg_test"),
        ("training_set", "test_set"),
    ],
)
def test_parts_of_a_data_set_are_never_classes(tmp_path, names):
    paint(*(tmp_path / "x" / name for name in names))
    with pytest.raises(DataError, match="are parts of a data set.*train/cat/1.jpg"):
        load(tmp_path / "x")


def test_classes_whose_names_only_begin_like_a_part_are_classes(tmp_path):
    paint(*(tmp_path / "x" / name for name in ("trainer", "valley", "testament", "train")))
    assert load(tmp_path / "x").train.classes == ["testament", "train", "trainer", "valley"]


def test_test_images_without_a_class_are_mentioned_and_not_used(tmp_path, capsys):
    paint(tmp_path / "x/train/cat", tmp_path / "x/train/dog")
    paint(tmp_path / "x/test")
    assert sum(map(len, load(tmp_path / "x"))) == 12
    assert "test: not used, because its files lie in no class folder" in capsys.readouterr().err


def test_where_the_test_images_have_no_class_the_labelled_ones_beside_them_are_used(
    tmp_path, capsys
):
    paint(*(tmp_path / "x" / part / name for part in ("train", "val") for name in ("cat", "dog")))
    paint(tmp_path / "x/test")
    assert len(load(tmp_path / "x").test) == 12
    assert capsys.readouterr().err.count("not used") == 1


@pytest.mark.parametrize("other", ["val", "dev", "holdout", "notes"])
def test_every_folder_beside_train_and_test_is_mentioned(tmp_path, capsys, other):
    parts = ("train", "test", other)
    paint(*(tmp_path / "x" / part / name for part in parts for name in ("cat", "dog")))
    assert len(load(tmp_path / "x").test) == 12
    assert f"{other}: not used" in capsys.readouterr().err


@pytest.mark.parametrize("inside", ["", "train"])
def test_images_beside_the_folders_are_counted(tmp_path, capsys, inside):
    paint(tmp_path / "x" / inside / "cat", tmp_path / "x" / inside / "dog")
    paint(tmp_path / "x/a.jpg", tmp_path / "x/b.jpg")
    assert sum(map(len, load(tmp_path / "x"))) == 12
    assert "x: 2 images beside the folders are not used" in capsys.readouterr().err


def test_a_class_that_is_called_like_a_part_is_mentioned(tmp_path, capsys):
    paint(*(tmp_path / "x" / name for name in ("cat", "dog", "test1")))
    assert load(tmp_path / "x").train.classes == ["cat", "dog", "test1"]
    assert "test1: read as a class. If it is not one, move" in capsys.readouterr().err


@pytest.mark.parametrize("above", ["pets", "pets/all of them", "pets früit"])
def test_a_folder_that_is_too_high_names_the_right_one(tmp_path, above):
    paint(*(tmp_path / "x" / above / "train" / name for name in ("cat", "dog")))
    with pytest.raises(DataError, match=f"choose .*{above}, which holds the classes"):
        load(tmp_path / "x")


def test_composed_and_decomposed_letters_are_one_class(tmp_path, capsys):
    for part, form in (("train", "NFC"), ("test", "NFD")):
        paint(
            tmp_path / "x" / part / unicodedata.normalize(form, "café"), tmp_path / "x" / part / "d"
        )
    assert load(tmp_path / "x").train.classes == ["café", "d"]
    assert capsys.readouterr().err == ""


def test_two_folders_whose_names_look_alike_become_one_class_and_it_is_said(tmp_path, capsys):
    names = [unicodedata.normalize(form, "café") for form in ("NFC", "NFD")]
    paint(*(tmp_path / "x" / name for name in (*names, "dog")))
    if len(list((tmp_path / "x").iterdir())) < 3:
        pytest.skip("this file system composes letters itself")
    sets = load(tmp_path / "x")
    assert sets.train.classes == ["café", "dog"]
    assert sum(map(len, sets)) == 18
    assert "café: two folders have names that look like this" in capsys.readouterr().err


def test_names_that_differ_in_capitals_alone_are_mentioned(tmp_path, capsys):
    paint(*(tmp_path / "x" / name for name in ("Cat", "cat", "dog")))
    if len(list((tmp_path / "x").iterdir())) < 3:
        pytest.skip("this file system knows no capitals")
    assert load(tmp_path / "x").train.classes == ["Cat", "cat", "dog"]
    assert "Cat, cat: different classes, although only capital" in capsys.readouterr().err


@pytest.mark.skipif(os.name == "nt" or os.uname().sysname == "Darwin", reason="names are Unicode")
def test_names_in_an_old_encoding_become_readable(tmp_path, capsys):
    paint(tmp_path / "x/cat", tmp_path / "x/dog")
    os.rename(tmp_path / "x/dog", os.fsencode(tmp_path / "x") + b"/H\xfcndin")
    (tmp_path / "x/cat/notes.txt").touch()
    os.rename(tmp_path / "x/cat/notes.txt", os.fsencode(tmp_path / "x") + b"/cat/\xfc.txt")
    assert load(tmp_path / "x").train.classes == ["Hündin", "cat"]
    assert "ü.txt: not an image" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["pets.zip", "pets.tar.gz", "pets.tar.xz", "PETS.7Z"])
def test_an_archive_says_unpack(tmp_path, name):
    (tmp_path / name).touch()
    with pytest.raises(DataError, match=f"{name} is an archive: unpack it"):
        load(tmp_path / name)


def test_cifar10_unpacked_names_the_source_and_the_archive(tmp_path):
    for name in (*(f"data_batch_{number}" for number in range(1, 6)), "test_batch"):
        (tmp_path / name).touch()
    with pytest.raises(DataError, match=r"Choose cifar10.*cifar-10-python.tar.gz"):
        load(tmp_path)


def test_classes_that_are_numbers_are_in_the_order_of_the_numbers(tmp_path):
    paint(*(tmp_path / "x" / name for name in ("10", "2", "0", "1")), count=3)
    assert load(tmp_path / "x").train.classes == ["0", "1", "2", "10"]


def test_train_twice_is_refused(tmp_path):
    paint(*(tmp_path / "x" / name for name in ("Train/cat", "Train/dog", "train/cat", "train/dog")))
    if len(list((tmp_path / "x").iterdir())) > 1:  # where the disk tells them apart
        with pytest.raises(DataError, match="Train and train: only capital letters differ"):
            load(tmp_path / "x")


def test_a_class_in_other_capitals_in_the_test_folder_names_both(tmp_path):
    paint(*(tmp_path / "x" / name for name in ("train/Cat", "train/dog", "test/cat", "test/dog")))
    with pytest.raises(DataError, match="class cat is in the test .*it is called Cat"):
        load(tmp_path / "x")


@pytest.mark.parametrize("name", ["@eaDir", "lost+found", "System Volume Information", "#recycle"])
def test_what_a_system_leaves_is_no_class(tmp_path, name):
    paint(tmp_path / "x" / "cat", tmp_path / "x" / "dog", tmp_path / "x" / name)
    paint(tmp_path / "x" / "cat" / name)
    assert load(tmp_path / "x").train.classes == ["cat", "dog"]
