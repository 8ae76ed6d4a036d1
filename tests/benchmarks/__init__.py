"""Measurements of speed: ``make bench``, and the recordings that travel with the package.

Threads of OpenMP that wait for each other spin, which keeps a busy machine's cores from those
they wait for: two threads were five times slower than one. Here they sleep. OpenMP reads this
when torch is imported, so it stands before that.
"""

import os

os.environ.setdefault("OMP_WAIT_POLICY", "passive")
