"""A button that takes one file of any reasonable size from the learner's computer."""

from collections.abc import Callable

import anywidget
import traitlets

from labkit.widgets.looks import STATIC

BYTES_AT_MOST = 100_000_000


class Upload(anywidget.AnyWidget):
    """A button; each file chosen arrives as ``on_file(name, content)``.

    A file larger than ``limit`` bytes is not sent: its content is ``None``. It comes in pieces,
    because Jupyter's server drops the connection on a message of more than 10 MB.
    """

    _esm = STATIC / "upload.js"
    _css = STATIC / "looks.css"

    label = traitlets.Unicode().tag(sync=True)
    hint = traitlets.Unicode().tag(sync=True)
    limit = traitlets.Int(BYTES_AT_MOST).tag(sync=True)

    def __init__(self, label: str, hint: str, on_file: Callable[[str, bytes | None], None]):
        """Show ``label``, and ``hint`` under the mouse."""
        super().__init__(label=label, hint=hint)
        self.on_file = on_file
        self._content = bytearray()
        self.on_msg(lambda _upload, message, pieces: self.receive(message, pieces))

    def receive(self, message: dict, pieces: list) -> None:
        """Take one piece of a file: its ``name``, its ``size`` and where the piece starts."""
        if message["start"] == 0:
            self._content = bytearray()
        if message["size"] > self.limit:
            self.on_file(message["name"], None)
            return
        self._content += b"".join(pieces)
        if len(self._content) == message["size"]:
            content, self._content = bytes(self._content), bytearray()
            self.on_file(message["name"], content)
