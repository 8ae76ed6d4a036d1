"""Links lead somewhere. Without a network they can only be listed: ``python -m tests.links``."""

import http.server
import threading

import pytest
import requests

from tests import links


def test_every_address_is_found_once_with_the_files_it_stands_in(monkeypatch):
    text = {
        "a": "[x](https://a.org/b) <https://c.org/>, https://a.org/b.",
        "b": "`https://a.org/b`",
    }
    monkeypatch.setattr(links, "texts", lambda: text)
    assert links.addresses() == {"https://a.org/b": ["a", "b"], "https://c.org/": ["a"]}


def test_a_dead_link_is_named_and_a_shy_host_is_not():
    class Host(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response({"/fine": 200, "/shy": 403}.get(self.path, 404))
            self.end_headers()

        def log_message(self, *_arguments):
            pass

    server = http.server.HTTPServer(("127.0.0.1", 0), Host)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    home = f"http://127.0.0.1:{server.server_port}"
    found = [links.complaint(home + path) for path in ("/fine", "/shy", "/gone")]
    server.shutdown()
    server.server_close()
    assert found == ["", "", f"{home}/gone: 404"]
    assert links.complaint(home) == f"{home}: {requests.ConnectionError.__name__}"


def test_links_answer():
    if not links.connected():
        pytest.skip(f"no network: {len(links.addresses())} links were not asked")
    assert links.complaints() == []
