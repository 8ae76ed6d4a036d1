"""React to an interrupt of the kernel while no cell runs."""

import asyncio
import signal
import threading
from collections.abc import Callable

_INTERVAL = 0.2
"""Seconds between two checks whether a cell runs."""


def on_interrupt(callback: Callable[[], None], *, while_: Callable[[], bool]) -> None:
    """Call ``callback()`` if the kernel is interrupted between two cells, as long as ``while_()``.

    While a cell runs, the interrupt belongs to that cell. Between cells ipykernel ignores it, so
    a run in the background would never notice it. Outside a notebook nothing is done.
    """
    if threading.current_thread() is not threading.main_thread():
        return
    try:
        loop = asyncio.get_running_loop()
    except RuntimeError:
        return

    def handler(_number, _frame) -> None:
        callback()

    def check() -> None:
        now = signal.getsignal(signal.SIGINT)
        if while_():
            if now is signal.SIG_IGN:  # ipykernel's choice while no cell runs
                signal.signal(signal.SIGINT, handler)
            loop.call_later(_INTERVAL, check)
        elif now is handler:
            signal.signal(signal.SIGINT, signal.SIG_IGN)

    loop.call_soon(check)
