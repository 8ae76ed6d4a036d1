"""How the workshop's JupyterLab talks to the browser: every message leaves at once."""

from jupyter_server.services.kernels.connection.channels import ZMQChannelsWebsocketConnection


class PromptConnection(ZMQChannelsWebsocketConnection):
    """The server's own kernel connection, with TCP_NODELAY on its websocket.

    A moved slider causes three short messages; without it the second waits for the receipt of
    the first (Nagle's algorithm, RFC 896), which costs a widget about 20 ms a move. Named by
    ``jupyter_server_config.json`` beside this file.
    """

    def connect(self):
        """Open the connection to the kernel once the websocket no longer waits."""
        self.websocket_handler.set_nodelay(True)
        return super().connect()
