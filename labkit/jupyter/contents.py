"""Notebooks open and are saved where Jupyter cannot keep its own notes about them.

On a full disk, or over a quota, Jupyter cannot note that it has seen a notebook, and would not
show it. What it keeps beside each one, its last checkpoint and a signature, is then left out or
goes to the temporary folder.
"""

import secrets
import shutil
import sqlite3
from contextlib import suppress
from pathlib import Path

from jupyter_server.services.contents.filecheckpoints import AsyncFileCheckpoints
from nbformat.sign import NotebookNotary, SQLiteSignatureStore

from labkit.files import temporary


class SparingCheckpoints(AsyncFileCheckpoints):
    """Jupyter's own checkpoints, in the temporary folder where a notebook's own takes none."""

    def checkpoint_path(self, checkpoint_id, path):
        """Return the path of a checkpoint, in a folder that is there."""
        try:
            return super().checkpoint_path(checkpoint_id, path)
        except OSError:
            return str(_spare_place(checkpoint_id, path))

    async def create_checkpoint(self, contents_mgr, path):
        """Keep a copy of a notebook, as JupyterLab does when it is opened or saved."""
        try:
            return await super().create_checkpoint(contents_mgr, path)
        except OSError:
            name = "checkpoint"
            with suppress(OSError):  # half a copy is none
                Path(self.checkpoint_path(name, path)).unlink()
            place = _spare_place(name, path)
            shutil.copyfile(contents_mgr._get_os_path(path), place)
            return await self.checkpoint_model(name, place)


def _spare_place(checkpoint_id: str, path: str) -> Path:
    usual, own = Path(path.strip("/")), temporary("jupyter")
    own.mkdir(parents=True, exist_ok=True, mode=0o700)  # others may share that folder
    folder = own / usual.parent
    folder.mkdir(parents=True, exist_ok=True)
    return folder / f"{usual.stem}-{checkpoint_id}{usual.suffix}"


class SparingSignatures(SQLiteSignatureStore):
    """Jupyter's own signatures: a notebook whose one cannot be noted has none."""

    def store_signature(self, digest, algorithm):
        """Note a signature, if it can be noted."""
        with suppress(sqlite3.Error):
            super().store_signature(digest, algorithm)

    def check_signature(self, digest, algorithm):
        """Tell whether a signature is known, as far as that can be asked."""
        with suppress(sqlite3.Error):
            return super().check_signature(digest, algorithm)
        return False


def spare(notary: NotebookNotary) -> None:
    """Let a notary do its work where it cannot write."""
    notary.store.close()
    notary.store = SparingSignatures(notary.db_file)
    try:
        secret = notary.secret  # from its file, or written there
    except OSError:
        secret = secrets.token_bytes()
    notary.secret = secret
