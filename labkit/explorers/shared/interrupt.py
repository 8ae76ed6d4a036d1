"""Hear of the kernel's interrupt while no cell runs."""

import asyncio
import signal
import threading
from collections.abc import Callable

_BETWEEN_LOOKS = 0.2
"""Seconds until it is looked again whether a cell runs."""


def heed(callback: Callable[[], None], wanted: Callable[[], bool]) -> None:
    """Call ``callback()`` when the kernel is interrupted between two cells, while ``wanted()``.

    While a cell runs, the interrupt belongs to that cell. Between cells ipykernel ignores it, so
    a training in the background would never hear of it. Outside a notebook nothing is done.
    """
    if threading.current_thread() is not threading.main_thread():
        return
    try:
        loop = asyncio.get_running_loop()
    except RuntimeError:
        return

    def handler(_number, _frame) -> None:
        callback()

    def look() -> None:
        now = signal.getsignal(signal.SIGINT)
        if wanted():
            if now is signal.SIG_IGN:  # ipykernel's choice while no cell runs
                signal.signal(signal.SIGINT, handler)
            loop.call_later(_BETWEEN_LOOKS, look)
        elif now is handler:
            signal.signal(signal.SIGINT, signal.SIG_IGN)

    loop.call_soon(look)
