"""Images to look at and a kernel to speak to, for the tests of several explorers."""

import numpy as np
import pytest
from jupyter_client.manager import start_new_kernel


@pytest.fixture
def samples():
    numbers = np.random.default_rng(0)
    return {name: numbers.integers(0, 256, (32, 32, 3), dtype=np.uint8) for name in ("cat", "ship")}


@pytest.fixture
def kernel():
    """A real kernel: its manager, and a client."""
    manager, client = start_new_kernel(startup_timeout=120)
    yield manager, client
    client.stop_channels()
    manager.shutdown_kernel(now=True)
