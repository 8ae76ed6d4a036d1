"""Fetch one archive from the first host that serves it well, and verify it."""

import os
import queue
import threading
import time
from collections.abc import Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urlsplit
from urllib.request import url2pathname

import pooch
import requests
import urllib3

from labkit.data.store import DataError, cannot_write
from labkit.display import tell
from labkit.text import _


@dataclass(frozen=True)
class Archive:
    """A file that several hosts serve, and what it must be: ``size`` in bytes."""

    name: str
    size: int
    sha256: str
    urls: tuple[str, ...]


@dataclass(frozen=True)
class Patience:
    """How long to wait for a host, in seconds, and the lowest rate in bytes a second."""

    connect: float = 5.0
    silence: float = 10.0
    window: float = 10.0
    lowest_rate: float = 100_000.0
    asking: float = 3.0


class NoSourceError(DataError):
    """No source gave the archive; ``reasons`` says why, by the place of each."""

    def __init__(self, message: str, reasons: dict[str, str]):
        super().__init__(message)
        self.reasons = reasons


class _Left(Exception):
    """A source was left; the message is the reason in a learner's words."""


def fetch(
    archive: Archive, urls: Sequence[str], folder: Path, patience: Patience | None = None
) -> Path:
    """Return the path of the verified archive, downloaded from the first of ``urls`` that works.

    A URL that names a file on this machine is verified where it lies. Raise ``NoSourceError``,
    with a line for each source, where none works, and ``DataError`` where the disk does not.
    """
    patience = patience or Patience()
    reasons: dict[str, str] = {}
    for url in urls:
        begun = time.monotonic()
        try:
            path = local_path(url, archive)
            if path is not None:
                return _verified(path, archive)
            return _download(url, archive, folder, patience)
        except _Left as reason:
            reasons[place(url)] = str(reason)
            if time.monotonic() - begun > patience.asking and url != urls[-1]:
                tell(_("{name} is left: {reason}.").format(name=place(url), reason=reason))
        except OSError as error:  # requests' own are turned into _Left: this one is the disk's
            raise DataError(cannot_write(error)) from error
    raise NoSourceError(_none_worked(archive, reasons), reasons)


def answering(urls: Sequence[str], archive: Archive, seconds: float) -> dict[str, str]:
    """Ask all hosts at once; return for each URL "" where it answers, else the reason.

    Comes back after ``seconds`` even where a name look-up or a connection hangs: the threads
    that ask are left behind.
    """
    answers: queue.SimpleQueue = queue.SimpleQueue()
    for url in urls:
        threading.Thread(
            target=lambda url=url: answers.put((url, _ask(url, archive, seconds))), daemon=True
        ).start()
    late = _("no answer within {seconds:g} seconds").format(seconds=seconds)
    found = dict.fromkeys(urls, late)
    deadline = time.monotonic() + seconds
    try:
        for _url in urls:
            url, reason = answers.get(timeout=max(0, deadline - time.monotonic()))
            found[url] = reason
    except queue.Empty:
        pass
    return found


def local_path(url: str, archive: Archive) -> Path | None:
    """Return the file that ``url`` names on this machine, or None where it names a host."""
    parts = urlsplit(url)
    if parts.scheme in ("http", "https"):
        return None
    named = url2pathname(unquote(parts.path)) if parts.scheme == "file" else url
    path = Path(os.path.expanduser(named))  # Path.expanduser raises for ~nobody
    return path / archive.name if path.is_dir() else path


def place(url: str) -> str:
    """Return the host of a URL, or the path of a file, for a learner to read."""
    parts = urlsplit(url)
    return parts.netloc.rpartition("@")[2] if parts.scheme in ("http", "https") else url


def _download(url: str, archive: Archive, folder: Path, patience: Patience) -> Path:
    for orphan in folder.glob("tmp*"):  # pooch's, of a killed process; the lock is ours
        orphan.unlink(missing_ok=True)
    pooch.get_logger().setLevel("WARNING")
    with _bar(url, archive) as bar:
        try:
            path = pooch.retrieve(
                url,
                known_hash=f"sha256:{archive.sha256}",
                fname=archive.name,
                path=folder,
                downloader=_Downloader(archive, patience, bar),
            )
        except (requests.RequestException, urllib3.exceptions.HTTPError, ValueError) as error:
            raise _Left(_reason(error, patience)) from error
    os.chmod(path, 0o644)  # pooch leaves it readable by this user alone
    return Path(path)


class _Downloader:
    """What pooch calls to download; unlike pooch's own it leaves a host that crawls."""

    def __init__(self, archive: Archive, patience: Patience, bar):
        self.archive, self.patience, self.bar = archive, patience, bar

    def __call__(self, url: str, output_file: str, _pooch) -> None:
        with _get(url, (self.patience.connect, self.patience.silence)) as response:
            _refuse_other_file(response, self.archive)
            with open(output_file, "wb") as file:
                self._copy(response.raw, file)

    def _copy(self, raw: urllib3.HTTPResponse, file) -> None:
        total, mark, begun = 0, 0, time.monotonic()
        while piece := raw.read1(1 << 18):  # what has come, at once: a trickle is seen in time
            total += len(piece)
            if total > self.archive.size:
                raise _Left(_("it sends more bytes than the archive has"))
            file.write(piece)
            self.bar.update(len(piece))
            seconds = time.monotonic() - begun
            if seconds >= self.patience.window:
                rate = (total - mark) / seconds
                if rate < self.patience.lowest_rate:
                    raise _Left(_("it sends only {rate:.0f} kB a second").format(rate=rate / 1000))
                mark, begun = total, time.monotonic()
        if total < self.archive.size:
            raise _Left(
                _("it stopped after {part:.1f} of {whole:.1f} MB").format(
                    part=total / 1e6, whole=self.archive.size / 1e6
                )
            )


def _get(url: str, timeout: tuple[float, float]) -> requests.Response:
    headers = {"Accept-Encoding": "identity"}  # the archive is compressed already
    response = requests.get(url, stream=True, timeout=timeout, headers=headers)
    response.raise_for_status()
    return response


def _refuse_other_file(response: requests.Response, archive: Archive) -> None:
    if response.headers.get("Content-Type", "").startswith("text/html"):
        raise _Left(_("it answers with a web page (a log-in page?) instead of the archive"))
    announced = response.headers.get("Content-Length", "")
    if announced.isdigit() and int(announced) != archive.size:
        raise _Left(
            _("it offers a file of {n:,} bytes, and the archive has {size:,}").format(
                n=int(announced), size=archive.size
            )
        )


def _ask(url: str, archive: Archive, seconds: float) -> str:
    path = local_path(url, archive)
    if path is not None:
        return "" if path.is_file() else _("there is no such file")
    try:
        with _get(url, (seconds, seconds)) as response:
            _refuse_other_file(response, archive)
    except _Left as reason:
        return str(reason)
    except (requests.RequestException, urllib3.exceptions.HTTPError, ValueError) as error:
        return _reason(error, Patience(connect=seconds, silence=seconds))
    return ""


def _verified(path: Path, archive: Archive) -> Path:
    if not path.is_file():
        raise _Left(_("there is no such file"))
    try:
        good = path.stat().st_size == archive.size and _sha256(path) == archive.sha256
    except OSError as error:
        raise _Left(_("it cannot be read: {reason}").format(reason=error.strerror)) from error
    if not good:
        raise _Left(_("the file is damaged, or another one: its checksum (sha256) is wrong"))
    return path


def _sha256(path: Path) -> str:
    return pooch.file_hash(str(path))


@contextmanager
def _bar(url: str, archive: Archive):
    """Show a bar that stays when the block succeeds, and vanishes when it fails."""
    from tqdm.auto import tqdm

    bar = tqdm(
        desc=_("{name} from {host}").format(name=archive.name, host=place(url)),
        bar_format=_(
            "{desc}: {percentage:.0f} % {bar} {n_fmt} of {total_fmt}B, {rate_fmt}, {remaining} left"
        ),
        total=archive.size,
        unit="B",
        unit_scale=True,
        leave=False,
    )
    try:
        yield bar
        bar.leave = True
    finally:
        if not bar.leave:
            bar.total = None  # or a notebook would keep it, in red
        bar.close()


def _reason(error: Exception, patience: Patience) -> str:
    if isinstance(error, requests.HTTPError):
        status = f"{error.response.status_code} {error.response.reason}".strip()
        return _("it answers: {status}").format(status=status)
    if isinstance(error, requests.exceptions.SSLError):
        return _("its certificate is not trusted here")
    if isinstance(error, requests.exceptions.ProxyError):
        return _("the proxy that this system names does not let it through")
    if isinstance(error, requests.ConnectTimeout):
        return _("no connection within {s:g} seconds").format(s=patience.connect)
    if isinstance(error, requests.Timeout | urllib3.exceptions.TimeoutError):
        return _("it was silent for {s:g} seconds").format(s=patience.silence)
    if "NameResolutionError" in str(error):
        return _("its name is not found: is this machine on a network?")
    if isinstance(error, requests.ConnectionError | urllib3.exceptions.HTTPError):
        return _("it cannot be reached, or it broke off")
    if isinstance(error, requests.RequestException):
        return _("the address cannot be used ({error})").format(error=error)
    return _("what it sent is damaged: its checksum (sha256) is wrong")


def _none_worked(archive: Archive, reasons: dict[str, str]) -> str:
    lines = [_("{name} could not be had from any source:").format(name=archive.name)]
    lines += [f"  {name}: {reason}" for name, reason in reasons.items()]
    lines.append(
        _(
            "Try again later; or get {name} from somebody and set LABKIT_CIFAR10_URL to its path; "
            'or go on with load("drawn") or with a folder of your own pictures.'
        ).format(name=archive.name)
    )
    return "\n".join(lines)
