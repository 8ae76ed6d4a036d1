"""Real kernels under the workshop's kernel manager."""

import asyncio
import os
import signal
from contextlib import asynccontextmanager

import pytest

from labkit.jupyter import kernels
from labkit.jupyter.kernels import OneAtWork


@asynccontextmanager
async def a_manager(folder):
    manager = OneAtWork(connection_dir=str(folder), left_behind=1)
    try:
        yield manager
    finally:
        await manager.shutdown_all(now=True)


async def _opened(manager, notebook, cell="1"):
    """Start the kernel of a notebook and run a cell; return its id, and all that the cell shows."""
    environment = {**os.environ, "JPY_SESSION_NAME": notebook}
    kernel_id = await manager.start_kernel(env=environment)
    said = await _said(manager, kernel_id, cell)
    await _until(manager, kernel_id, "idle")
    return kernel_id, said


async def _said(manager, kernel_id, cell):
    client = await _client(manager, kernel_id)
    shown = []
    await client.execute_interactive(
        cell, output_hook=lambda m: shown.append(str(m["content"])), timeout=60
    )
    client.stop_channels()
    return " ".join(shown)


async def _client(manager, kernel_id):
    client = manager.get_kernel(kernel_id).client()
    client.start_channels()
    await client.wait_for_ready(timeout=60)
    return client


async def _until(manager, kernel_id, state):
    for _ in range(600):
        if manager.get_kernel(kernel_id).execution_state == state:
            return
        await asyncio.sleep(0.1)
    raise TimeoutError(f"the kernel is never {state}")


def test_the_kernel_left_behind_is_closed_and_its_notebook_says_so_when_it_is_back(tmp_path):
    async def scenario():
        async with a_manager(tmp_path) as manager:
            first, said = await _opened(manager, "03_cnn.ipynb")
            assert "was closed" not in said
            await asyncio.sleep(1.2)
            await manager.cull_kernel_if_idle(first)
            assert first in manager  # alone, it may idle
            second, _said_there = await _opened(manager, "04_loss.ipynb")
            await manager.cull_kernel_if_idle(second)
            await manager.cull_kernel_if_idle(first)
            assert first not in manager and second in manager

            again, said = await _opened(manager, "03_cnn.ipynb", "net")
            assert "was closed while you worked" in said
            assert "was closed" not in await _said(manager, again, "net")
            assert "was closed" not in await _said(manager, second, "1")

    asyncio.run(scenario())


def test_a_kernel_that_computes_stays(tmp_path):
    async def scenario():
        async with a_manager(tmp_path) as manager:
            busy, _said_there = await _opened(manager, "03_cnn.ipynb")
            client = await _client(manager, busy)
            client.execute("import time; time.sleep(60)")
            await _until(manager, busy, "busy")
            await asyncio.sleep(1.2)
            await _opened(manager, "04_loss.ipynb")
            await manager.cull_kernel_if_idle(busy)
            assert busy in manager
            client.stop_channels()

    asyncio.run(scenario())


@pytest.mark.skipif(os.name == "nt", reason="Windows ends no process for its memory")
def test_a_kernel_that_was_killed_for_its_memory_says_so_once(tmp_path):
    async def scenario():
        async with a_manager(tmp_path) as manager:
            kernel, said = await _opened(manager, "03_cnn.ipynb", "import os; net = os.getpid()")
            assert "ended by itself" not in said
            restarted = asyncio.Event()
            manager.add_restart_callback(kernel, restarted.set)
            os.kill(manager.get_kernel(kernel).provisioner.process.pid, signal.SIGKILL)
            await asyncio.wait_for(restarted.wait(), 60)
            said = await _said(manager, kernel, "net")
            assert "ended by itself" in said and "NameError" in said
            assert "ended by itself" not in await _said(manager, kernel, "1")
            await manager.restart_kernel(kernel)
            assert "ended by itself" not in await _said(manager, kernel, "1")

    asyncio.run(scenario())


def test_where_the_home_is_full_a_kernel_keeps_its_own_files_elsewhere_and_says_so(
    tmp_path, monkeypatch
):
    monkeypatch.setattr(kernels, "unwritable", lambda folder: "full")

    async def scenario():
        async with a_manager(tmp_path / "missing") as manager:
            kernel, said = await _opened(manager, "03_cnn.ipynb", "get_ipython().ipython_dir")
            assert "home folder is full" in said and manager.connection_dir in said
            assert "home folder is full" not in await _said(manager, kernel, "1")

    asyncio.run(scenario())


def test_where_the_home_is_read_only_a_kernel_keeps_its_own_files_elsewhere(tmp_path, monkeypatch):
    monkeypatch.setattr(kernels, "unwritable", lambda folder: "locked")

    async def scenario():
        async with a_manager(tmp_path / "missing") as manager:
            _kernel, said = await _opened(manager, "03_cnn.ipynb", "get_ipython().ipython_dir")
            assert manager.connection_dir in said and "home folder" not in said

    asyncio.run(scenario())
