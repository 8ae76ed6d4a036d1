"""Write the workshop in its other languages: ``python -m labkit.languages [es]``.

All editions are brought up to date, since notebook 0 leads from each to the others. With a
language, JupyterLab's menus are set to it; with none, to English.
"""

import contextlib
import json
import os
import shutil
import subprocess
import sys
from importlib import metadata
from pathlib import Path

from labkit.files import replace
from labkit.languages import edition, locales
from labkit.text import LANGUAGES, _, command, on_any_terminal

PLUGIN = "@jupyterlab/translation-extension:plugin"
PACKS = {"es": "es-ES", "pt_BR": "pt-BR", "fr": "fr-FR", "de": "de-DE"}
"""JupyterLab's own translations: ``jupyterlab-language-pack-es-ES`` and so on."""


def main(code: str = "en") -> int:
    """Write what is missing or old; return 1 where there is no such one, or it cannot be."""
    on_any_terminal()
    if code not in LANGUAGES:
        known = ", ".join(f"{code} ({name})" for code, name in LANGUAGES.items())
        print(_("There is no edition {code!r}. There are: {known}.").format(code=code, known=known))
        return 1
    os.environ.setdefault("LABKIT_LANGUAGE", code)
    for other in LANGUAGES:
        locales.build(other)
    folder = Path("notebooks") if Path("notebooks").is_dir() else Path.cwd()
    try:
        stay = edition.write_all(folder)
    except OSError as error:
        text = _("This could not be saved in {file}: {reason}.")
        print(text.format(file=folder.absolute(), reason=error.strerror or error))
        return int(code != "en")
    for path in stay:
        text = _(
            "{path} stays as you changed it; there is a newer one. To take that, and keep yours "
            "beside it: {command} {name}"
        )
        name = f"{path.parent.name}/{path.stem}"
        print(text.format(path=path, command=command("labkit.jupyter.reset"), name=name))
    set_menus(code)
    return 0


def set_menus(code: str) -> None:
    """Let JupyterLab of this environment speak a language, where its pack can be installed."""
    place = Path(sys.prefix, "etc", "jupyter", "labconfig", "default_setting_overrides.json")
    try:
        settings = json.loads(place.read_text("utf-8"))
    except (OSError, ValueError):
        settings = {}
    before = settings.pop(PLUGIN, None)
    if code != "en":
        if not _has_pack(code):
            text = _("JupyterLab's menus stay English: {pack} cannot be installed now.")
            print(text.format(pack=f"jupyterlab-language-pack-{PACKS[code]}"))
        else:
            settings[PLUGIN] = {"locale": PACKS[code].replace("-", "_")}
    if settings.get(PLUGIN) != before:
        with contextlib.suppress(OSError):  # a .venv that may not be changed: they stay as they are
            replace(place, json.dumps(settings, indent=2))


def _has_pack(code: str) -> bool:
    pack = f"jupyterlab-language-pack-{PACKS[code]}"
    try:
        metadata.distribution(pack)
        return True
    except metadata.PackageNotFoundError:
        pass
    uv = shutil.which("uv")
    if uv and subprocess.run([uv, "--version"], capture_output=True).returncode:
        uv = None  # pyenv's, which starts none
    install = [uv, "pip", "install", "--python", sys.executable] if uv else []
    install = install or [sys.executable, "-m", "pip", "install", "--retries=1", "--timeout=9"]
    print(_("Installing {pack}.").format(pack=pack), flush=True)
    return not subprocess.run([*install, "--no-deps", pack], capture_output=True).returncode


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
