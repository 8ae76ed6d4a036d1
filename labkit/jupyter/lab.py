"""Open the workshop in JupyterLab: ``python -m labkit.jupyter.lab [es] [OPTION...]``.

This is what ``make lab`` runs, and it is the same on any system: with the settings that lie in
``labkit/jupyter`` and, with a language, in its edition. Each OPTION is one of JupyterLab's own.
"""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

from jupyter_core.paths import jupyter_config_dir, jupyter_runtime_dir
from jupyterlab.labapp import LabApp

from labkit.files import unwritable
from labkit.jupyter.reopened import REASONS
from labkit.text import N_, _, on_any_terminal, speaking

HERE = Path(__file__).resolve().parent
_LOCKED = (
    N_("Your home folder is read-only. Jupyter keeps its settings only until you close it."),
)


def main(*arguments: str) -> int:
    """Start JupyterLab and return when it ends; 1 if there is no such language."""
    on_any_terminal()
    code, options = "en", list(arguments)
    if options and not options[0].startswith("-"):
        code = options.pop(0)
    if not Path("notebooks").is_dir():
        os.chdir(HERE.parents[1])
    if status := subprocess.call([sys.executable, "-m", "labkit.languages", code]):
        return status
    first = f"notebooks/{'' if code == 'en' else f'{code}/'}00_setup.ipynb"
    folders = [str(HERE), os.environ.get("JUPYTER_CONFIG_PATH", "")]
    os.environ["JUPYTER_CONFIG_PATH"] = os.pathsep.join(filter(None, folders))
    settings = [
        "--ServerApp.root_dir=.",
        "--ServerApp.log_level=WARN",
        f"--LabApp.default_url=/lab/tree/{first}",
        "--LabApp.custom_css=True",
        f"--ServerApp.tornado_settings={ {'static_custom_path': [str(HERE / 'custom')]} }",
    ]
    if hasattr(os, "getuid") and os.getuid() == 0:
        settings.append("--allow-root")
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as spare:
        with speaking(code):
            settings += _spare_the_home(spare)
        LabApp.launch_instance([*settings, *options])
    return 0


def _spare_the_home(spare: str) -> list[str]:
    """Let Jupyter keep its own files in the folder ``spare`` where the home takes none."""
    why, own = unwritable(Path(jupyter_runtime_dir())), jupyter_config_dir()
    if not why:
        return []
    for sentence in REASONS["full"] if why == "full" else _LOCKED:
        print(_(sentence))
    os.environ["JUPYTER_CONFIG_PATH"] += os.pathsep + own
    names = ("JUPYTER_RUNTIME_DIR", "JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR")
    os.environ |= dict.fromkeys((*names, "IPYTHONDIR", "MPLCONFIGDIR"), spare)
    return [f"--LabApp.workspaces_dir={spare}", f"--LabApp.user_settings_dir={spare}"]


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
