"""Downloads from a faulty server on this machine: the next source, or a clear message."""

import errno
import hashlib
import os
import socket
import stat
import time

import pytest

from labkit.data.download import Archive, Patience, answering, fetch, place
from labkit.data.store import DataError
from tests.faulty_server import refused_url, serving

CONTENT = os.urandom(200_000)
ARCHIVE = Archive("archive.tar.gz", len(CONTENT), hashlib.sha256(CONTENT).hexdigest(), ())
PATIENCE = Patience(connect=2, silence=1, window=0.5, lowest_rate=20_000)


@pytest.fixture(scope="module")
def server():
    with serving(CONTENT) as server:
        yield server


FAULTS = {
    "wrong": "checksum",
    "truncated": "stopped|connection broke",
    "truncated_unannounced": "stopped after 0.1 of 0.2 MB",
    "silent": "silent for 1 seconds",
    "silent_midway": "silent for 1 seconds",
    "crawling": "only 0 kB a second",
    "page": "web page",
    "other": "a file of 3 bytes",
    "missing": "404",
    "busy": "503",
    "endless": "more bytes than the archive",
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_faulty_host_is_named_and_left_for_the_next(server, tmp_path, fault):
    with pytest.raises(DataError, match=FAULTS[fault]) as error:
        fetch(ARCHIVE, [server.url(fault)], tmp_path, PATIENCE)
    assert f"127.0.0.1:{server.server_port}" in str(error.value)
    assert "LABKIT_CIFAR10_URL" in str(error.value)
    assert os.listdir(tmp_path) == []
    path = fetch(ARCHIVE, [server.url(fault), server.url("good")], tmp_path, PATIENCE)
    assert path.read_bytes() == CONTENT
    assert os.listdir(tmp_path) == ["archive.tar.gz"]


def test_a_pulled_network_ends_in_a_message_with_a_line_for_each_source(tmp_path):
    urls = [refused_url(), refused_url()]
    with pytest.raises(DataError) as error:
        fetch(ARCHIVE, urls, tmp_path, PATIENCE)
    for url in urls:
        assert f"{place(url)}: it cannot be reached" in str(error.value)


def test_a_download_sweeps_what_a_killed_one_left_is_readable_by_all_and_kept(server, tmp_path):
    (tmp_path / "tmp1234").write_bytes(b"half")
    path = fetch(ARCHIVE, [server.url("unannounced")], tmp_path, PATIENCE)  # of unknown length
    assert os.listdir(tmp_path) == ["archive.tar.gz"]
    assert stat.S_IMODE(path.stat().st_mode) == 0o644
    assert fetch(ARCHIVE, [refused_url()], tmp_path, PATIENCE).read_bytes() == CONTENT


@pytest.mark.parametrize("write", [str, lambda path: path.as_uri(), lambda path: str(path.parent)])
def test_a_file_on_a_stick_is_used_where_it_lies(tmp_path, write):
    stick = tmp_path / "Mein Stick ü" / ARCHIVE.name
    stick.parent.mkdir()
    stick.write_bytes(CONTENT)
    assert fetch(ARCHIVE, [write(stick)], tmp_path / "cache", PATIENCE) == stick
    assert stick.read_bytes() == CONTENT


def test_a_damaged_file_on_a_stick_is_refused_and_left_alone(tmp_path):
    stick = tmp_path / ARCHIVE.name
    stick.write_bytes(CONTENT[:-1] + b"?")
    with pytest.raises(DataError, match="checksum"):
        fetch(ARCHIVE, [str(stick)], tmp_path / "cache", PATIENCE)
    assert stick.exists()


def test_a_stick_that_is_not_there_is_left_for_the_next_source(server, tmp_path):
    urls = [str(tmp_path / "stick.tar.gz"), "~nobody-of-this-name/stick.tar.gz", server.url()]
    assert fetch(ARCHIVE, urls, tmp_path / "cache", PATIENCE).read_bytes() == CONTENT


def test_a_full_disk_is_no_host_s_fault_and_leaves_nothing(server, tmp_path, monkeypatch):
    def full(*_args):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("labkit.data.download._copy", full)
    with pytest.raises(DataError, match="No space left on device.*LABKIT_CACHE"):
        fetch(ARCHIVE, [server.url(), server.url()], tmp_path, PATIENCE)
    assert os.listdir(tmp_path) == []


def test_a_proxy_from_the_environment_is_used(server, tmp_path, monkeypatch):
    monkeypatch.setenv("http_proxy", refused_url())
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.delenv("NO_PROXY", raising=False)
    with pytest.raises(DataError, match="proxy"):
        fetch(ARCHIVE, [server.url()], tmp_path, PATIENCE)


def test_a_password_in_a_url_is_not_shown():
    assert place("https://me:secret@example.org:8080/a") == "example.org:8080"


def test_all_hosts_are_asked_at_once(server):
    urls = [server.url("silent"), server.url(), server.url("page"), refused_url()]
    answers = answering(urls, ARCHIVE, 3)
    assert list(answers) == urls
    assert [not reason for reason in answers.values()] == [False, True, False, False]


def test_a_name_look_up_that_hangs_does_not_hold_up_the_question(monkeypatch):
    def hang(*_args, **_kwargs):
        time.sleep(60)
        raise socket.gaierror

    monkeypatch.setattr(socket, "getaddrinfo", hang)
    answers = answering(["https://example.org/a", "https://example.com/a"], ARCHIVE, 0.2)
    assert set(answers.values()) == {"no answer within 0.2 seconds"}


@pytest.mark.parametrize("address", ["http://[::1", "ftp://example.org/a.tar.gz", "https://"])
def test_an_address_that_cannot_be_used_is_left_for_the_next(server, tmp_path, address):
    assert address in answering([address], ARCHIVE, 3) and answering([address], ARCHIVE, 3)[address]
    assert fetch(ARCHIVE, [address, server.url()], tmp_path, PATIENCE).read_bytes() == CONTENT
