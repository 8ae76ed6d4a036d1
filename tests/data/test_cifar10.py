"""CIFAR-10 from a small archive of the same layout, served on this machine."""

import errno
import hashlib
import io
import os
import pickle
import tarfile
from dataclasses import replace

import numpy as np
import pytest

from labkit.data import cifar10, sources, store
from labkit.data.download import Archive
from labkit.data.store import DataError
from tests.faulty_server import refused_url, serving

NAMES = "airplane automobile bird cat deer dog frog horse ship truck".split()
TRAIN_LABELS = np.tile(np.arange(10), 11)
TEST_LABELS = np.tile(np.arange(10), 2)


def archive_bytes(labels=TRAIN_LABELS, extra: bytes | None = None) -> bytes:
    """Return a CIFAR-10 archive whose image i has the colour (i, 2 i, 3 i) all over."""
    files = {"batches.meta": {"label_names": NAMES}}
    for number, part in enumerate(np.array_split(np.arange(len(labels)), 5), start=1):
        files[f"data_batch_{number}"] = {"data": _rows(part), "labels": labels[part].tolist()}
    files["test_batch"] = {"data": _rows(np.arange(20)), "labels": TEST_LABELS.tolist()}
    contents = {name: pickle.dumps(content) for name, content in files.items()}
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as tar:
        for name, content in {**contents, "readme.html": extra or b"Hello"}.items():
            member = tarfile.TarInfo(f"cifar-10-batches-py/{name}")
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
    return buffer.getvalue()


def _rows(numbers: np.ndarray) -> np.ndarray:
    colours = np.stack([numbers, 2 * numbers, 3 * numbers], axis=1).astype(np.uint8)
    return np.repeat(colours, 32 * 32, axis=1)


@pytest.fixture
def server(monkeypatch, tmp_path):
    """Serve a small CIFAR-10 as the only one there is, with a fresh cache."""
    content = archive_bytes()
    with serving(content) as server:
        sha256 = hashlib.sha256(content).hexdigest()
        archive = Archive("cifar-10-python.tar.gz", len(content), sha256, (server.url(),))
        monkeypatch.setattr(cifar10, "ARCHIVE", archive)
        monkeypatch.setattr(sources, "_failed", set())
        monkeypatch.setattr(store, "_kept", {})
        monkeypatch.setenv("LABKIT_CACHE", str(tmp_path / "cache"))
        monkeypatch.delenv("LABKIT_CIFAR10_URL", raising=False)
        yield server


def test_images_labels_and_names_come_as_they_were_put_in(server):
    train, validation, test = sources.load("cifar10")
    assert (len(train), len(validation), len(test)) == (100, 10, 20)
    assert train.classes == NAMES
    assert test.targets == TEST_LABELS.tolist()
    assert test.data[7, 31, 0].tolist() == [7, 14, 21]
    assert test.source == "cifar10"
    both = np.concatenate([train.data, validation.data])[:, 0, 0, 0]
    assert sorted(both) == list(range(110))
    assert all(number % 10 == label for number, label in zip(both, train.targets, strict=False))


def test_the_second_time_nothing_is_downloaded_and_the_archive_is_gone(server, tmp_path):
    sources.load("cifar10")
    sources.load("cifar10")
    assert server.requests == ["good"]
    assert not (tmp_path / "cache" / "downloads" / cifar10.ARCHIVE.name).exists()


def test_a_class_room_s_mirror_goes_first(server, monkeypatch):
    monkeypatch.setenv("LABKIT_CIFAR10_URL", server.url("unannounced"))
    sources.load("cifar10")
    assert server.requests == ["unannounced"]


def test_a_mirror_may_be_named_by_its_folder(server, monkeypatch):
    monkeypatch.setenv("LABKIT_CIFAR10_URL", "http://10.0.0.1:8000/cifar/")
    assert cifar10.urls()[0] == "http://10.0.0.1:8000/cifar/cifar-10-python.tar.gz"


@pytest.mark.parametrize("written", ["{}", '"{}"', " '{}' "])
def test_a_file_on_a_stick_needs_no_network_and_stays(server, monkeypatch, tmp_path, written):
    stick = tmp_path / "my archive.tar.gz"
    stick.write_bytes(server.content)
    monkeypatch.setenv("LABKIT_CIFAR10_URL", written.format(stick))
    monkeypatch.setattr(cifar10, "ARCHIVE", replace(cifar10.ARCHIVE, urls=(refused_url(),)))
    assert sources.load("auto").train.source == "cifar10"
    assert stick.read_bytes() == server.content


def test_bytes_with_a_wrong_checksum_are_never_unpickled(server, monkeypatch):
    monkeypatch.setattr(cifar10, "urls", lambda: (server.url("wrong"),))
    monkeypatch.setattr(pickle, "load", lambda *args, **kwargs: pytest.fail("unpickled"))
    with pytest.raises(DataError, match="checksum"):
        sources.load("cifar10")


@pytest.mark.parametrize(
    ("faults", "reasons"),
    [(("page",), ("cannot be reached", "web page")), (("wrong",), ("checksum",))],
)
def test_auto_draws_and_says_why_where_no_host_has_it(server, monkeypatch, capsys, faults, reasons):
    monkeypatch.setattr(cifar10, "urls", lambda: (refused_url(), *map(server.url, faults)))
    stand_in(monkeypatch)
    assert sources.load("auto").train.source == "drawn"
    said = capsys.readouterr().err
    set_it = ("$env:" if os.name == "nt" else "export ") + "LABKIT_CIFAR10_URL"
    for words in (*reasons, "drawn images, not from photographs", set_it):
        assert words in said


def test_the_notice_is_a_line_where_the_images_were_drawn_before(server, monkeypatch, capsys):
    monkeypatch.setattr(cifar10, "urls", lambda: (refused_url(),))
    monkeypatch.setattr("labkit.data.drawn.draw", few)
    sources.load("auto")
    assert len(capsys.readouterr().err.splitlines()) == 5
    sources._failed.clear()  # as in the next notebook
    sources.load("auto")
    line = "You are learning from drawn images, not from photographs."
    assert capsys.readouterr().err.splitlines() == [line]


def test_auto_asks_and_tells_once_in_a_process(server, monkeypatch, capsys):
    monkeypatch.setattr(cifar10, "urls", lambda: (server.url("missing"),))
    stand_in(monkeypatch)
    for _time in range(3):
        sources.load("auto")
    assert server.requests == ["missing"]
    assert capsys.readouterr().err.count("drawn images, not from photographs") == 1


def test_auto_takes_the_cache_without_asking_the_network(server, monkeypatch):
    sources.load("cifar10")
    monkeypatch.setattr(cifar10, "urls", lambda: pytest.fail("asked"))
    assert sources.load("auto").train.source == "cifar10"


def test_status_tells_without_the_network_what_is_at_hand(server):
    assert not sources.status()[0].ready
    sources.load("cifar10")
    assert sources.status()[0] == ("cifar10", True, 130 * 3072, "ready, 0 MB on this machine")
    assert server.requests == ["good"]


def test_what_cannot_be_kept_is_used_and_its_archive_is_not_thrown_away(
    server, monkeypatch, tmp_path, capsys
):
    def full(*_args, **_kwargs):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(np, "save", full)
    for _time in range(2):
        assert len(sources.load("cifar10").train) == 100
    assert server.requests == ["good"]
    assert (tmp_path / "cache" / "downloads" / cifar10.ARCHIVE.name).exists()
    assert "No space left on device" in capsys.readouterr().err


def test_members_that_are_not_expected_are_not_read(tmp_path):
    archive = tmp_path / "a.tar.gz"
    archive.write_bytes(archive_bytes(extra=b"not a pickle"))
    assert cifar10.unpack(archive).classes == tuple(NAMES)


def few() -> store.Arrays:
    images, more = np.zeros((22, 32, 32, 3), np.uint8), np.zeros((2, 32, 32, 3), np.uint8)
    return store.Arrays(images, np.arange(22) % 2, more, np.arange(2), ("cat", "dog"))


def stand_in(monkeypatch) -> None:
    """Draw nothing: these tests ask which source is taken."""
    monkeypatch.setattr(sources, "_drawn", lambda: store.split(few()))
