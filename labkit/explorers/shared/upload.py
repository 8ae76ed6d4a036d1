"""A button that takes one file of any reasonable size from the learner's computer."""

from collections.abc import Callable

import anywidget
import traitlets

from labkit.explorers.shared.looks import SHEET, STATIC, joined
from labkit.text import _

BYTES_AT_MOST = 100_000_000


class Upload(anywidget.AnyWidget):
    """A button; it calls ``on_file(name, content)`` with each file that the learner chooses.

    It calls ``on_refused(sentence)`` instead for a file larger than ``limit`` bytes, which is not
    sent, or one that the browser cannot read. Files come in pieces, because Jupyter's server drops
    the connection on a message of more than 10 MB.
    """

    _esm = joined(STATIC / "parts.js", STATIC / "upload.js")
    _css = SHEET

    label = traitlets.Unicode().tag(sync=True)
    hint = traitlets.Unicode().tag(sync=True)
    limit = traitlets.Int(BYTES_AT_MOST).tag(sync=True)

    def __init__(
        self,
        label: str,
        hint: str,
        on_file: Callable[[str, bytes], None],
        on_refused: Callable[[str], None],
    ):
        """Show ``label``, and ``hint`` when the mouse is over it."""
        super().__init__(label=label, hint=hint)
        self.on_file, self.on_refused = on_file, on_refused
        self._content = bytearray()
        self.on_msg(lambda _upload, message, pieces: self.receive(message, pieces))

    def receive(self, message: dict, pieces: list) -> None:
        """Receive one piece of a file: ``message`` has its ``name``, ``size`` and ``start``.

        A ``size`` of -1 means that the browser cannot read the file.
        """
        name, size = message["name"], message["size"]
        if message["start"] == 0:
            self._content = bytearray()
        if size < 0:
            text = _("{name}: the browser cannot read it. Is it a file, and still there?")
            self.on_refused(text.format(name=name))
            return
        if size > self.limit:
            text = _("{name}: more than {limit} MB, make it smaller first.")
            self.on_refused(text.format(name=name, limit=self.limit // 1_000_000))
            return
        self._content += b"".join(pieces)
        if len(self._content) == size:
            content, self._content = bytes(self._content), bytearray()
            self.on_file(name, content)
