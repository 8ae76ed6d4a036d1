"""Let a training in a thread and a look at its model take turns."""

import threading

turn = threading.RLock()
"""Held by a run for each step, and by whatever looks into a model that might be training.

Between two steps a model is whole: its mode is its own, and no gradient is being written. Without
turns a look would switch the mode in mid-step, and reading ``grad`` while ``backward()`` writes it
can end the process.
"""
