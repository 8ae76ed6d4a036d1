"""A web server on this machine that serves one file with every fault a host can have."""

import contextlib
import socket
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class FaultyServer(ThreadingHTTPServer):
    """Serves ``content`` at ``url(fault)``; ``requests`` lists the faults that were asked for."""

    daemon_threads = True
    block_on_close = False

    def __init__(self, content: bytes):
        super().__init__(("127.0.0.1", 0), _Handler)
        self.content = content
        self.requests: list[str] = []
        self.closing = threading.Event()

    def url(self, fault: str = "good") -> str:
        return f"http://127.0.0.1:{self.server_port}/{fault}/archive.tar.gz"

    def handle_error(self, request, client_address):
        pass  # the client left, which is what these tests want it to do


@contextlib.contextmanager
def serving(content: bytes):
    """Run a ``FaultyServer`` for ``content`` while the block runs."""
    with FaultyServer(content) as server:
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        yield server
        server.closing.set()
        server.shutdown()


def refused_url() -> str:
    """Return a URL at which nothing listens, as when the network cable is pulled."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{free.getsockname()[1]}/archive.tar.gz"


class _Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        fault = self.path.split("/")[1]
        self.server.requests.append(fault)
        getattr(self, f"_{fault}")(self.server.content)

    def log_message(self, *_args):
        pass

    def _start(self, length: int | None, kind: str = "application/gzip", status: int = 200):
        self.send_response(status)
        self.send_header("Content-Type", kind)
        if length is not None:
            self.send_header("Content-Length", str(length))
        self.end_headers()

    def _good(self, content: bytes):
        self._start(len(content))
        self.wfile.write(content)

    def _slow(self, content: bytes):
        time.sleep(0.3)
        self._good(content)

    def _unannounced(self, content: bytes):
        self._start(None)
        self.wfile.write(content)

    def _wrong(self, content: bytes):
        self._good(content[:-1] + bytes([content[-1] ^ 1]))

    def _truncated(self, content: bytes):
        self._start(len(content))
        self.wfile.write(content[: len(content) // 2])

    def _truncated_unannounced(self, content: bytes):
        self._start(None)
        self.wfile.write(content[: len(content) // 2])

    def _silent(self, _content: bytes):
        self.server.closing.wait(30)

    def _silent_midway(self, content: bytes):
        self._start(len(content))
        self.wfile.write(content[:1000])
        self.wfile.flush()
        self.server.closing.wait(30)

    def _crawling(self, content: bytes):
        self._start(len(content))
        for byte in content:
            self.wfile.write(bytes([byte]))
            if self.server.closing.wait(0.02):
                return

    def _page(self, _content: bytes):
        page = b"<html><h1>Log in to the guest network</h1></html>"
        self._start(len(page), kind="text/html; charset=utf-8")
        self.wfile.write(page)

    def _other(self, _content: bytes):
        self._start(3)
        self.wfile.write(b"tar")

    def _missing(self, _content: bytes):
        self._start(0, status=404)

    def _busy(self, _content: bytes):
        self._start(0, status=503)

    def _endless(self, content: bytes):
        self._start(None)
        while not self.server.closing.is_set():
            self.wfile.write(content)
