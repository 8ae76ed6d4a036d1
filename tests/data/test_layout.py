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


def paint(*paths: Path | str) -> None:
    """Put six images into each folder, or a file where the path has an extension."""
    for path in map(Path, paths):
        for file in [path] if path.suffix else [path / f"{number}.png" for number in range(6)]:
            file.parent.mkdir(parents=True, exist_ok=True)
            if file.suffix in (".png", ".jpg"):
                Image.fromarray(np.zeros((8, 8, 3), np.uint8)).save(file)
            else:
                file.touch()


READ = [  # paths, classes, images in all, what is said ("": nothing)
    ("10, 2, 0, 1", "0, 1, 2, 10", 24, ""),
    ("trainer, valley, testament, train", "testament, train, trainer, valley", 24, ""),
    ("cat, dog, test1", "cat, dog, test1", 18, "test1: read as a class. If it is not one, move"),
    ("cat, dog, a.jpg, b.jpg", "cat, dog", 12, "x: 2 images beside the folders are not used"),
    ("train/a, train/b, a.jpg, b.jpg", "a, b", 12, "x: 2 images beside the folders are not used"),
    ("train/a, train/b, test", "a, b", 12, "test: not used, because its files lie in no class"),
    ("train/a, train/b, val/a, val/b, test", "a, b", 24, "test: not used, because"),
]
for other in ("val", "dev", "holdout", "notes"):
    paths = f"train/a, train/b, test/a, test/b, {other}/a, {other}/b"
    READ.append((paths, "a, b", 24, f"{other}: not used"))
for name in ("@eaDir", "lost+found", "System Volume Information", "#recycle"):
    READ.append((f"cat, dog, {name}, cat/{name}", "cat, dog", 12, ""))


@pytest.mark.parametrize(("paths", "classes", "count", "said"), READ)
def test_what_is_passed_over_is_said_once(tmp_path, capsys, paths, classes, count, said):
    paint(*(tmp_path / "x" / path for path in paths.split(", ")))
    sets = load(tmp_path / "x")
    assert sets.train.classes == classes.split(", ") and sum(map(len, sets)) == count
    lines = capsys.readouterr().err.splitlines()[1:]  # behind the heading
    assert len(lines) == bool(said) and said in "".join(lines)


REFUSED = [  # paths, what is chosen of them, what is said
    ("a", "nowhere", "There is no folder .*nowhere"),
    ("a", "x" * 300, "no folder|cannot be opened: File name too long"),
    ("a.png", "a.png", "a.png is a file"),
    ("a.png", "", "At least two classes .* none"),
    ("apple", "", "At least two classes .* apple"),
    ("train/1.png, test/1.png", "", "At least two classes are needed, and .*train holds"),
    ("a/1.png, b/1.png", "", "no image to test with"),
    ("train/a, train/b, test/plum", "", "class plum is in the test folder, but not in .*train"),
    ("train/Cat, train/dog, test/cat", "", "class cat is in the test .*it is called Cat"),
]
for name in ("IMG_0001.jpg", "1.jpg", "cat.1.notes.jpg"):
    REFUSED.append((f"train/cat.1.jpg, train/dog.1.jpg, train/{name}", "", "At least two classes"))
for parts in ("training, testing", "train1, test1", "seg_train, seg_test", "train_set, test_set"):
    REFUSED.append((parts, "", "are parts of a data set.*train/cat/1.jpg"))
for name in ("pets.zip", "pets.tar.gz", "pets.tar.xz", "PETS.7Z"):
    REFUSED.append((name, name, f"{name} is an archive: unpack it"))
for above in ("pets", "pets/all of them", "pets früit"):
    paths = f"{above}/train/cat, {above}/train/dog"
    REFUSED.append((paths, "", f"choose .*{above}, which holds the classes"))


@pytest.mark.parametrize(("paths", "chosen", "said"), REFUSED)
def test_a_layout_of_no_use_gets_one_clear_message(tmp_path, paths, chosen, said):
    paint(*(tmp_path / "x" / path for path in paths.split(", ")))
    with pytest.raises(DataError, match=said) as error:
        load(tmp_path / "x" / chosen)
    assert "\n" not in str(error.value)


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


def test_cifar10_unpacked_names_the_source_and_the_archive(tmp_path):
    for name in (*(f"data_batch_{number}" for number in range(1, 6)), "test_batch"):
        (tmp_path / name).touch()
    with pytest.raises(DataError, match=r"Choose cifar10.*cifar-10-python.tar.gz"):
        load(tmp_path)


def test_train_twice_is_refused(tmp_path):
    paint(*(tmp_path / "x" / name for name in ("Train/cat", "Train/dog", "train/cat", "train/dog")))
    if len(list((tmp_path / "x").iterdir())) > 1:  # where the disk tells them apart
        with pytest.raises(DataError, match="Train and train: only capital letters differ"):
            load(tmp_path / "x")
