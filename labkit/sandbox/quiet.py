"""Run a learner's code without its prints, figures and questions."""

import builtins
import io
import sys
import threading
import warnings
from collections.abc import Generator
from contextlib import ExitStack, contextmanager, redirect_stderr, redirect_stdout
from typing import TextIO

from labkit.text import _


@contextmanager
def quiet(most: int = sys.maxsize) -> Generator[io.StringIO]:
    """Keep what is printed, shown and warned about from the notebook; yield what is printed.

    At most about ``most`` characters are kept. What other threads print meanwhile, e.g. a run in
    the background, goes where it would have gone. ``input()`` raises EOFError: nobody is there to
    answer.
    """
    text, ipython = _Text(most, sys.stdout), sys.modules.get("IPython")
    with ExitStack() as stack:
        if ipython and ipython.get_ipython():
            from IPython.utils.capture import capture_output

            stack.enter_context(capture_output(stdout=False, stderr=False, display=True))
        stack.enter_context(redirect_stdout(text))
        stack.enter_context(redirect_stderr(_Text(0, sys.stderr)))
        stack.enter_context(warnings.catch_warnings())
        stack.callback(setattr, builtins, "input", builtins.input)
        builtins.input = _asked  # ty: ignore[invalid-assignment]
        warnings.simplefilter("ignore")
        yield text


class _Text(io.StringIO):
    def __init__(self, most: int, elsewhere: TextIO):
        super().__init__()
        self._most, self._elsewhere = most, elsewhere
        self._thread = threading.get_ident()

    def write(self, text: str) -> int:
        if threading.get_ident() != self._thread:
            return self._elsewhere.write(text)
        super().write(text[: max(self._most - self.tell(), 0)])
        return len(text)

    def close(self) -> None:
        """Stay open: code that runs in here may close what it prints to."""


def _asked(*_prompt) -> str:
    raise EOFError(_("input() waits for somebody to type, and here nobody can."))
