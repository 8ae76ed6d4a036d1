"""Name the line of the learner's code that is being run."""

import linecache
import sys
import traceback
from pathlib import Path
from types import CodeType

import torch

from labkit.doctor.catalogue_phrases import phrase

_HERE = Path(__file__).parent
_NOT_WRITTEN = (str(_HERE), str(_HERE.parent / "sandbox"), str(Path(torch.__file__).parent))


def line() -> str:
    """Return the line that is being run, as in ``line 3 of train(): optimizer.step()``."""
    frame = sys._getframe(1)
    while frame and frame.f_code.co_filename.startswith(_NOT_WRITTEN):
        frame = frame.f_back
    return in_words(frame.f_code, frame.f_lineno) if frame else ""


def line_of(error: BaseException) -> str:
    """Return the line of the learner's code in which an error was raised."""
    frames = [(frame.f_code, number) for frame, number in traceback.walk_tb(error.__traceback__)]
    written = [found for found in frames if not found[0].co_filename.startswith(_NOT_WRITTEN)]
    if not written:
        return ""
    first, last = (in_words(*found) for found in (written[0], written[-1]))
    return last if first == last else phrase("called from", line=last, other=first)


def in_words(code: CodeType, number: int) -> str:
    """Say which line of a function it is, and what stands there."""
    text = linecache.getline(code.co_filename, number).strip()
    if code.co_name.startswith("<module"):
        place = phrase("line", number=number)
    else:  # counted from the line with "def"
        within = number - code.co_firstlineno + 1
        place = phrase("line of function", number=within, function=code.co_name)
    return f"{place}: {text}" if text else place
