"""Real kernels under the workshop's kernel manager."""

import asyncio
import os

from labkit.jupyter.kernels import OneAtWork


async def _started(manager, notebook):
    environment = {**os.environ, "JPY_SESSION_NAME": notebook}
    kernel_id = await manager.start_kernel(env=environment)
    await _said(manager, kernel_id, "")
    await _until(manager, kernel_id, "idle")
    return kernel_id


async def _until(manager, kernel_id, state):
    for _ in range(600):
        if manager.get_kernel(kernel_id).execution_state == state:
            return
        await asyncio.sleep(0.1)
    raise TimeoutError(f"the kernel is never {state}")


async def _said(manager, kernel_id, code):
    """Run a cell, if there is one; return the text of all that it shows."""
    client = manager.get_kernel(kernel_id).client()
    client.start_channels()
    await client.wait_for_ready(timeout=60)
    shown = []
    if code:
        await client.execute_interactive(
            code, output_hook=lambda m: shown.append(str(m["content"])), timeout=60
        )
    client.stop_channels()
    return " ".join(shown)


def test_the_kernel_left_behind_is_closed_and_its_notebook_says_so_when_it_is_back(tmp_path):
    async def scenario():
        manager = OneAtWork(connection_dir=str(tmp_path), left_behind=1)
        try:
            first = await _started(manager, "03_cnn.ipynb")
            await asyncio.sleep(1.2)
            await manager.cull_kernel_if_idle(first)
            assert first in manager  # alone, it may idle
            second = await _started(manager, "04_loss.ipynb")
            await _said(manager, second, "1")
            await manager.cull_kernel_if_idle(second)
            await manager.cull_kernel_if_idle(first)
            assert first not in manager and second in manager

            again = await _started(manager, "03_cnn.ipynb")
            assert "was closed while you worked" in await _said(manager, again, "net")
            assert "was closed" not in await _said(manager, again, "net")
            assert "was closed" not in await _said(manager, second, "1")
        finally:
            await manager.shutdown_all(now=True)

    asyncio.run(scenario())


def test_a_kernel_that_computes_or_moves_a_widget_stays(tmp_path):
    async def scenario():
        manager = OneAtWork(connection_dir=str(tmp_path), left_behind=1)
        try:
            busy = await _started(manager, "03_cnn.ipynb")
            client = manager.get_kernel(busy).client()
            client.start_channels()
            await client.wait_for_ready(timeout=60)  # ty: ignore[invalid-await]
            client.execute("import time; time.sleep(60)")
            await _until(manager, busy, "busy")
            await asyncio.sleep(1.2)
            second = await _started(manager, "04_loss.ipynb")
            await _said(manager, second, "1")
            await manager.cull_kernel_if_idle(busy)
            assert busy in manager
            client.stop_channels()
        finally:
            await manager.shutdown_all(now=True)

    asyncio.run(scenario())
