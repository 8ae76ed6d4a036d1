"""What a JupyterHub has to know of the workshop. ``tljh.sh`` puts it in place; on another hub,
``load_subconfig`` it from your own configuration.

LABKIT_WORKSHOP is the clone of the workshop, LABKIT_SHARED the folder with images and class.
"""

import os

c = get_config()  # noqa: F821  # ty: ignore[unresolved-reference]  # JupyterHub defines it

workshop = os.environ.get("LABKIT_WORKSHOP", "/srv/labkit/workshop")
shared = os.environ.get("LABKIT_SHARED", "/srv/labkit")

c.Spawner.environment = {
    "LABKIT_CACHE": f"{shared}/images",
    "LABKIT_CLASS": f"{shared}/class",
    "JUPYTER_CONFIG_PATH": f"{workshop}/labkit/jupyter",
    "OMP_NUM_THREADS": "1",  # ten learners on two cores: 17 times faster than with two threads
}
c.Spawner.args = [
    "--KernelManager.transport=ipc"
]  # two kernels that start at once may take one port
c.Spawner.default_url = "/lab"
c.Spawner.start_timeout = c.Spawner.http_timeout = 300  # seconds: thirty start at once
