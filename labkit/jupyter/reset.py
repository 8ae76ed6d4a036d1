"""Start a notebook over: ``python -m labkit.jupyter.reset 03_cnn`` (or ``03``, or ``es/03``).

The notebook is again as its authors wrote it, and the old one is kept beside it.
"""

import builtins
import sys
from itertools import count
from pathlib import Path

from labkit.files import replace
from labkit.languages.edition import original, write_all
from labkit.text import LANGUAGES, _, command, on_any_terminal


def reset(name: str, folder: Path) -> Path:
    """Put back the notebook in ``folder`` whose name begins with ``name``; return the old one.

    Raise ``ValueError`` where there is no such notebook, or nothing to take it from: git has it, or
    ``make lab`` kept it when it first started.
    """
    folder = folder / Path(name).parent
    found = sorted(folder.glob(f"{Path(name).stem}*.ipynb"))
    if len(found) != 1:
        choices = ", ".join(path.stem for path in sorted(folder.glob("[0-9]*.ipynb")))
        raise ValueError(_("Name one of these notebooks: {choices}.").format(choices=choices))
    [notebook] = found
    edition = folder.name in LANGUAGES
    fresh = "" if edition else original(notebook)
    if not (edition or fresh):
        text = _("There is no copy of {name} here: download it again from where you got it.")
        raise ValueError(text.format(name=notebook.name))
    old = notebook.replace(aside(notebook))
    if edition:
        write_all(folder)
    else:
        replace(notebook, fresh)
    return old


def aside(path: Path) -> Path:
    """Return where to keep a learner's file beside a new one: the first such name that is free."""
    names = (path.with_name(f"my_{n}_{path.name}") for n in count(1))
    return next(name for name in names if not name.exists())


def main(*names: str) -> int:
    """Reset the notebooks named; return 1 if none is named, or one could not be."""
    on_any_terminal()
    if not names:
        text = _("Name the notebook to start over: {command} 03_cnn")
        print(text.format(command=command("labkit.jupyter.reset")), file=sys.stderr)
        return 1
    folder = Path("notebooks") if Path("notebooks").is_dir() else Path.cwd()
    for name in names:
        try:
            old = reset(name, folder)
        except (ValueError, OSError) as error:
            print(error, file=sys.stderr)
            return 1
        print(_("{name} is as new. Yours is kept as {old}.").format(name=name, old=old.name))
        print(_("If it is open in JupyterLab: menu File, Reload Notebook from Disk."))
    return 0


if __name__ == "__main__":
    status = main(*sys.argv[1:])
    if not hasattr(builtins, "__IPYTHON__"):  # %run in a notebook would show a traceback
        sys.exit(status)
