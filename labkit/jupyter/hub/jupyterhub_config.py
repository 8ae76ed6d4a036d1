"""What a JupyterHub has to know of the workshop. ``tljh.sh`` puts it in place; on another hub,
``load_subconfig`` it from your own configuration.

LABKIT_WORKSHOP is the clone of the workshop, LABKIT_SHARED the folder with images and class;
with LABKIT_CLASS_NAMES=1 the page of the class shows names.
"""

import os
import secrets
import sys
from collections import deque

c = get_config()  # noqa: F821  # ty: ignore[unresolved-reference]  # JupyterHub defines it

workshop = os.environ.get("LABKIT_WORKSHOP", "/srv/labkit/workshop")
shared = os.environ.get("LABKIT_SHARED", "/srv/labkit")
style = {"static_custom_path": [f"{workshop}/labkit/jupyter/custom"]}

given: deque = deque(maxlen=300)


def apart(any_port):
    """Let a function give no port twice in a row of 300: thirty servers start at once."""

    def port() -> int:
        number = any_port()
        while number in given:
            number = any_port()
        given.append(number)
        return number

    return port


for name in ("jupyterhub.spawner", "systemdspawner.systemdspawner"):
    if hasattr(sys.modules.get(name), "random_port"):
        setattr(sys.modules[name], "random_port", apart(sys.modules[name].random_port))  # noqa: B010

c.Spawner.environment.update(
    {
        "LABKIT_CACHE": f"{shared}/images",
        "LABKIT_CLASS": f"{shared}/class",
        "LABKIT_CLASS_NAMES": os.environ.get("LABKIT_CLASS_NAMES", "0"),
        "JUPYTER_CONFIG_PATH": f"{workshop}/labkit/jupyter",
        "OMP_NUM_THREADS": "1",  # ten learners on two cores: 17 times faster than with two threads
        # The path of a socket has at most 107 characters, and a kernel's takes 50 of them.
        "JUPYTER_RUNTIME_DIR": lambda _spawner: f"/tmp/jupyter-{secrets.token_hex(4)}",
    }
)
c.Spawner.args.extend(
    [
        "--KernelManager.transport=ipc",  # two kernels that start at once may take one port
        "--LabApp.custom_css=True",
        f"--ServerApp.tornado_settings={style}",
    ]
)
c.Spawner.default_url = "/lab"
c.Spawner.start_timeout = c.Spawner.http_timeout = 300  # seconds: thirty start at once
