"""Take from Python what Windows has not: fork, forkserver and alarms.

With this folder first in PYTHONPATH every Python does so as it starts, kernels and workers too:
``make test-as-windows``. macOS, and Python 3.14 on Linux, differ in a part of it: they do not fork.
"""

import multiprocessing
import os
import signal

for name in ("fork", "forkpty"):
    delattr(os, name)
for name in ("alarm", "setitimer", "getitimer", "SIGALRM", "ITIMER_REAL"):
    delattr(signal, name)

contexts = multiprocessing.context._concrete_contexts
del contexts["fork"], contexts["forkserver"]
multiprocessing.context._default_context._default_context = contexts["spawn"]
multiprocessing.get_all_start_methods = lambda: ["spawn"]
