"""Editions: the notebooks in another language, each in a folder beside the English ones."""

import hashlib
import json
import re
import subprocess
from functools import partial
from pathlib import Path

from labkit.files import replace
from labkit.languages import locales
from labkit.languages.segments import translate
from labkit.text import LANGUAGES, with_signs

_KEPT, AS_NEW, COMMIT = ".written.json", ".as_new", Path("labkit/jupyter/commit.txt")
"""What is kept beside the notebooks; and where ``git archive``, and so the ZIP file of a forge,
writes when the last commit was made."""
_IMAGES = Path(__file__).parents[2] / "images"
_UP = re.compile(rf'(?:\]\(|src="|href=")(?=\.\./)|\[(?:{"|".join(LANGUAGES.values())})\]\(')
"""Before an address that leaves the folder: it is one folder further up from an edition."""


def names(folder: Path) -> list[str]:
    """Return the names of the files in ``folder`` that an edition has, too."""
    pages = [*folder.glob("[0-9]*.ipynb"), folder / "glossary.md", folder / "cifar10_classifier.py"]
    return sorted(path.name for path in pages if path.exists())


def translated(code: str, name: str, source: str) -> str:
    """Return a file of the workshop in a language: code cells and programs stay as they are."""
    stem, _dot, kind = name.rpartition(".")
    if kind not in ("ipynb", "md"):
        return source
    texts = locales.prose(code, stem)
    number = partial(with_signs, code=code) if texts else str

    def image(found: re.Match) -> str:
        own = (_IMAGES / code / found[2]).exists()  # with its words in this language
        return f"{found[1]}{code}/{found[2]}" if own else found[0]

    def page(text: str) -> str:
        new = translate(text, lambda piece: texts.get(piece, piece), number)
        new = _UP.sub(r"\g<0>../", new)
        return re.sub(r"(\]\(\.\./\.\./images/)([\w.]+)", image, new)

    if kind == "md":
        return page(source)
    notebook = json.loads(source)
    for cell in notebook["cells"]:
        if cell["cell_type"] == "markdown":
            cell["source"] = page("".join(cell["source"])).splitlines(keepends=True)
        else:
            cell |= {"outputs": [], "execution_count": None}
    notebook["metadata"]["lang"] = code.replace("_", "-")
    return json.dumps(notebook, indent=1, ensure_ascii=False) + "\n"


def write_all(folder: Path) -> list[Path]:
    """Bring the editions in ``folder`` up to date; return the files that stay as they are.

    Those are what a learner has changed, apart from outputs: ``labkit.jupyter.reset`` puts a new
    one in its place. The English files are taken as their authors wrote them. ``folder``
    may be one of the editions. Raises ``OSError`` if something new cannot be written.
    """
    folder = folder.parent if folder.name in LANGUAGES else folder
    keep(folder)
    return [path for code in LANGUAGES if code != "en" for path in _write(code, folder)]


def _write(code: str, folder: Path) -> list[Path]:
    target, stay = folder / code, []
    try:
        kept = json.loads((target / _KEPT).read_text("utf-8"))
    except (OSError, ValueError):
        kept = {}
    for name in names(folder):
        path, english = target / name, folder / name
        source = original(english) or english.read_text("utf-8")
        known = locales.path_of(code, Path(name).stem)
        made_of = _hash(source + (known.read_text("utf-8") if known.exists() else ""))
        before = kept.get(name, {})
        if path.exists() and before.get("made of") == made_of:
            continue
        new = translated(code, name, source)
        here = _hash(_own(path)) if path.exists() else ""
        if here not in ("", before.get("written"), _hash(own(name, new))):
            stay.append(path)
            continue
        replace(path, new)
        kept[name] = {"made of": made_of, "written": _hash(_own(path))}
        replace(target / _KEPT, json.dumps(kept, indent=1))
    return stay


def keep(folder: Path) -> None:
    """Keep a copy of each notebook as it came, where no git has it: from a ZIP file.

    A newer ZIP file that was unpacked over the old one counts; what a learner has changed does not.
    Jupyter adds the version of Python to a notebook that it saves: that may be a learner's.
    """
    commit, known = folder.parent / COMMIT, folder / AS_NEW / COMMIT.name
    now = commit.read_text("utf-8").strip() if commit.exists() else ""
    same = now.isdigit() and known.exists() and known.read_text("utf-8").strip() == now
    for path in folder.glob("[0-9]*.ipynb"):
        kept, text = folder / AS_NEW / path.name, path.read_text("utf-8")
        if same and kept.exists():
            continue
        try:
            saved = "version" in json.loads(text)["metadata"]["language_info"]
        except (ValueError, KeyError):
            continue
        if not saved and not _committed(path):
            replace(kept, text)
            replace(known, now)


def original(path: Path) -> str:
    """Return a file as its authors wrote it; "" where neither git nor ``write_all`` has kept it.

    nbgitpuller commits what a learner wrote: then it is the file that came with the last pull.
    """
    kept = path.parent / AS_NEW / path.name
    return _committed(path) or (kept.read_text("utf-8") if kept.exists() else "")


def _committed(path: Path) -> str:
    pulled = _git(path.parent, "log", "--author=nbgitpuller", "--format=%h", "@{upstream}..")
    revision = "@{upstream}" if pulled else "HEAD"
    return _git(path.parent, "show", f"{revision}:./{path.name}")


def _git(folder: Path, *command: str) -> str:
    try:
        done = subprocess.run(["git", *command], cwd=folder, capture_output=True, check=False)
    except OSError:
        return ""
    return "" if done.returncode else done.stdout.decode()


def _own(path: Path) -> str:
    return own(path.name, path.read_text("utf-8"))


def own(name: str, text: str) -> str:
    """Return what a learner may have changed in a file: of a notebook, what its cells say."""
    if not name.endswith(".ipynb"):
        return text
    try:
        return "\0".join("".join(cell["source"]) for cell in json.loads(text)["cells"])
    except (ValueError, KeyError):
        return text


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
