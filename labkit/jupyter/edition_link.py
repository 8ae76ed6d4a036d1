"""A link to the workshop in another language: ``labkit/es/notebooks/00_setup.ipynb`` on a server.

The editions are not in git, so a link of nbgitpuller or Binder cannot lead to one. This one writes
them and leads on to the notebook in JupyterLab; with ``en``, to the English one.
"""

import asyncio
import contextlib
from pathlib import Path, PurePosixPath

from jupyter_server.base.handlers import JupyterHandler
from jupyter_server.utils import url_path_join
from tornado import web

from labkit.languages.edition import write_all


class EditionLink(JupyterHandler):
    """Leads to an edition of an English notebook; to that itself where nothing may be written."""

    @web.authenticated
    async def get(self, code: str, path: str):
        """Lead to the notebook that is ``path`` in English, in the language ``code``."""
        notebook, root = PurePosixPath(path), Path(self.settings["server_root_dir"]).expanduser()
        with contextlib.suppress(OSError):
            await asyncio.to_thread(write_all, root / notebook.parent)
        edition = notebook.parent / code / notebook.name
        notebook = edition if (root / edition).exists() else notebook
        self.redirect(url_path_join(self.base_url, "lab", "tree", str(notebook)))
