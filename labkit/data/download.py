"""Download one archive from the first host that serves it well, and verify it."""

import os
import threading
import time
from collections.abc import Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO
from urllib.parse import unquote, urlsplit
from urllib.request import url2pathname

import pooch
import requests
import urllib3

from labkit.data.store import DataError, cannot_write
from labkit.display import ProgressBar, tell
from labkit.text import N_, _


@dataclass(frozen=True)
class Archive:
    """A file that several hosts serve, and what it has to be: ``size`` in bytes."""

    name: str
    size: int
    sha256: str
    urls: tuple[str, ...]


@dataclass(frozen=True)
class Patience:
    """How long to wait for a host.

    connect: seconds until it answers
    silence: seconds without a byte
    window, lowest_rate: seconds over which the rate is measured, and its limit in bytes a second
    asking: seconds for the question whether a host is there at all
    """

    connect: float = 5.0
    silence: float = 10.0
    window: float = 10.0
    lowest_rate: float = 100_000.0
    asking: float = 3.0


class NoSourceError(DataError):
    """No host or file gave the archive; ``reasons`` says why, for each of them."""

    def __init__(self, message: str, reasons: dict[str, str]):
        super().__init__(message)
        self.reasons = reasons


class _Failed(Exception):
    """One host or file failed; the message is the reason, in a learner's words."""


_WRONG_FILE = N_("the file is damaged, or another one: its checksum (sha256) is wrong")
_NETWORK_ERRORS = (requests.RequestException, urllib3.exceptions.HTTPError, ValueError)
_REASONS = (
    (requests.exceptions.SSLError, N_("its certificate is not trusted here")),
    (requests.exceptions.ProxyError, N_("the proxy of this system does not let it through")),
    (requests.ConnectTimeout, N_("no connection within {connect:g} seconds")),
    (
        (requests.Timeout, urllib3.exceptions.TimeoutError),
        N_("it was silent for {silence:g} seconds"),
    ),
    (
        (requests.ConnectionError, urllib3.exceptions.HTTPError),
        N_("it cannot be reached, or the connection broke"),
    ),
    ((requests.RequestException, ValueError), N_("the address cannot be used ({error})")),
)
"""What to tell a learner about an error: the first row that fits."""


def fetch(
    archive: Archive, urls: Sequence[str], folder: Path, patience: Patience | None = None
) -> Path:
    """Return the path of the verified archive, downloaded from the first of ``urls`` that works.

    A URL that names a file on this machine is verified in its place. Raise ``NoSourceError``,
    with a line for each URL, where none works, and ``DataError`` where the disk fails.
    """
    patience = patience or Patience()
    reasons: dict[str, str] = {}
    for url in urls:
        begun = time.monotonic()
        try:
            if (path := local_path(url, archive)) is not None:
                return _verified(path, archive)
            return _download(url, archive, folder, patience)
        except _Failed as reason:
            reasons[place(url)] = str(reason)
            if time.monotonic() - begun > patience.asking and url != urls[-1]:
                tell(_("Giving up on {name}: {reason}.").format(name=place(url), reason=reason))
        except OSError as error:  # requests' own errors became _Failed: this is the disk's
            raise DataError(cannot_write(error)) from error
    raise NoSourceError(_none_worked(archive, reasons), reasons)


def answering(urls: Sequence[str], archive: Archive, seconds: float) -> dict[str, str]:
    """Ask all hosts at once; return for each URL "" where it answers, else the reason.

    Returns after ``seconds`` even where a name look-up or a connection hangs: its thread is
    left running.
    """
    found = dict.fromkeys(urls, _("no answer within {s:g} seconds").format(s=seconds))

    def ask(url: str) -> None:
        found[url] = _ask(url, archive, seconds)

    threads = [threading.Thread(target=ask, args=(url,), daemon=True) for url in urls]
    for thread in threads:
        thread.start()
    deadline = time.monotonic() + seconds
    for thread in threads:
        thread.join(max(0, deadline - time.monotonic()))
    return dict(found)  # a copy, which late answers do not change


def local_path(url: str, archive: Archive) -> Path | None:
    """Return the file that ``url`` names on this machine, or None where it names a host."""
    try:
        parts = urlsplit(url)
    except ValueError as error:  # e.g. http://[::1
        raise _Failed(_("the address cannot be used ({error})").format(error=error)) from error
    if parts.scheme in ("http", "https"):
        return None
    if "://" in url and parts.scheme != "file":
        raise _Failed(_("the address starts with neither http, https nor file"))
    named = url2pathname(unquote(parts.path)) if parts.scheme == "file" else url
    path = Path(os.path.expanduser(named))  # Path.expanduser raises for ~nobody
    return path / archive.name if path.is_dir() else path


def place(url: str) -> str:
    """Return the host of a URL, without a password, or the path of a file."""
    scheme, _colon, rest = url.partition("://")
    is_host = scheme.lower() in ("http", "https")
    return rest.partition("/")[0].rpartition("@")[2] if is_host else url


def _download(url: str, archive: Archive, folder: Path, patience: Patience) -> Path:
    for orphan in folder.glob("tmp*"):  # pooch's, of a killed process; the lock is ours
        orphan.unlink(missing_ok=True)
    pooch.get_logger().setLevel("WARNING")
    with _bar(url, archive) as bar:

        def get(url: str, output_file: str, _pooch) -> None:  # gives up on a host that is too slow
            with _answer(url, archive, patience) as answer, open(output_file, "wb") as file:
                _copy(answer.raw, file, archive, patience, bar)

        try:
            path = pooch.retrieve(
                url,
                known_hash=f"sha256:{archive.sha256}",
                fname=archive.name,
                path=folder,
                downloader=get,  # ty: ignore[invalid-argument-type]
            )
        except ValueError as error:  # pooch's own
            raise _Failed(_(_WRONG_FILE)) from error
    os.chmod(path, 0o644)  # pooch leaves it readable by this user alone
    return Path(path)


def _copy(
    raw: urllib3.HTTPResponse, file: BinaryIO, archive: Archive, patience: Patience, bar
) -> None:
    total, mark, begun = 0, 0, time.monotonic()
    while piece := raw.read1(1 << 18):  # whatever has arrived: a slow host is seen in time
        total += len(piece)
        if total > archive.size:
            raise _Failed(_("it sends more bytes than the archive has"))
        file.write(piece)
        bar.update(len(piece))
        seconds = time.monotonic() - begun
        if seconds >= patience.window:
            rate = (total - mark) / seconds
            if rate < patience.lowest_rate:
                text = _("it sends only {rate:.0f} kB a second")
                raise _Failed(text.format(rate=rate / 1000))
            mark, begun = total, time.monotonic()
    if total < archive.size:
        text = _("it stopped after {part:.1f} of {whole:.1f} MB")
        raise _Failed(text.format(part=total / 1e6, whole=archive.size / 1e6))


@contextmanager
def _answer(url: str, archive: Archive, patience: Patience):
    """Give a host's answer before its body is read; raise ``_Failed`` where it is no archive."""
    headers = {"Accept-Encoding": "identity"}  # the archive is compressed already
    timeout = (patience.connect, patience.silence)
    try:
        with requests.get(url, stream=True, timeout=timeout, headers=headers) as response:
            if not response.ok:
                status = f"{response.status_code} {response.reason}".strip()
                raise _Failed(_("it answers: {status}").format(status=status))
            if response.headers.get("Content-Type", "").startswith("text/html"):
                raise _Failed(_("it answers with a web page (a log-in page?), not the archive"))
            announced = response.headers.get("Content-Length", "")
            if announced.isdigit() and int(announced) != archive.size:
                text = _("it offers a file of {n:,} bytes, and the archive has {size:,}")
                raise _Failed(text.format(n=int(announced), size=archive.size))
            yield response
    except _NETWORK_ERRORS as error:
        raise _Failed(_reason(error, patience)) from error


def _ask(url: str, archive: Archive, seconds: float) -> str:
    try:
        path = local_path(url, archive)
        if path is not None:
            return "" if path.is_file() else _("there is no such file")
        with _answer(url, archive, Patience(connect=seconds, silence=seconds)):
            return ""
    except _Failed as reason:
        return str(reason)


def _verified(path: Path, archive: Archive) -> Path:
    if not path.is_file():
        raise _Failed(_("there is no such file"))
    try:
        good = path.stat().st_size == archive.size and pooch.file_hash(path) == archive.sha256
    except OSError as error:
        raise _Failed(_("it cannot be read: {reason}").format(reason=error.strerror)) from error
    if not good:
        raise _Failed(_(_WRONG_FILE))
    return path


@contextmanager
def _bar(url: str, archive: Archive):
    """Show a bar that stays when the block succeeds, and vanishes when it fails."""
    bar = ProgressBar(
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
        bar.close()


def _reason(error: Exception, patience: Patience) -> str:
    if "NameResolutionError" in str(error):
        return _("its name is not found: is this machine on a network?")
    text = next(text for kinds, text in _REASONS if isinstance(error, kinds))
    return _(text).format(error=error, connect=patience.connect, silence=patience.silence)


def _none_worked(archive: Archive, reasons: dict[str, str]) -> str:
    lines = [_("{name} could not be downloaded from anywhere:").format(name=archive.name)]
    lines += [f"  {name}: {reason}" for name, reason in reasons.items()]
    lines.append(
        _(
            "Try again later; or copy {name} from somebody and set LABKIT_CIFAR10_URL to its path; "
            'or go on with load("drawn") or with a folder of your own images.'
        ).format(name=archive.name)
    )
    return "\n".join(lines)
