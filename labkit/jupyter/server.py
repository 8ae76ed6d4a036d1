"""What the workshop's server adds to Jupyter's: each message leaves at once, and two addresses.

``jupyter_server_config.json`` beside this file names both.
"""

from jupyter_server.services.kernels.connection.channels import ZMQChannelsWebsocketConnection
from jupyter_server.utils import url_path_join

from labkit.jupyter.class_page import ClassPage
from labkit.jupyter.contents import spare
from labkit.jupyter.edition_link import EditionLink
from labkit.text import LANGUAGES


class PromptConnection(ZMQChannelsWebsocketConnection):
    """The server's own kernel connection, with TCP_NODELAY on its websocket.

    A moved slider causes three short messages; without it the second waits for the receipt of
    the first (Nagle's algorithm, RFC 896), which costs a widget about 20 ms a move.
    """

    def connect(self):
        """Open the connection to the kernel once the websocket no longer waits."""
        self.websocket_handler.set_nodelay(True)
        return super().connect()


def _load_jupyter_server_extension(server) -> None:
    spare(server.contents_manager.notary)
    pages = {"class": ClassPage, f"({'|'.join(LANGUAGES)})/(.+)": EditionLink}
    base = url_path_join(server.web_app.settings["base_url"], "labkit")
    server.web_app.add_handlers(".*$", [(f"{base}/{path}", page) for path, page in pages.items()])


def _jupyter_server_extension_points() -> list[dict[str, str]]:
    return [{"module": "labkit.jupyter.server"}]
