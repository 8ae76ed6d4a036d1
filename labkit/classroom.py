"""Signs of life for the instructor: each learner adds lines to a file in a folder of the class.

Nothing is written unless ``LABKIT_CLASS`` names that folder, and no name unless
``LABKIT_CLASS_NAMES`` is 1. The page that shows it is ``labkit.jupyter.class_page``. Needs no
torch: the Jupyter server notes things here, too.
"""

import getpass
import hashlib
import json
import os
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

from labkit.text import N_

TITLES = {
    "setup": N_("Set-up"),
    "tensors": N_("Tensors"),
    "dataloader": N_("Data and DataLoader"),
    "cnn": N_("The convolutional network"),
    "loss_optimizer": N_("Loss and optimizer"),
    "training": N_("Training"),
    "evaluation": N_("Evaluation"),
    "gpu": N_("The GPU"),
    "faster": N_("Faster"),
}
"""The notebooks in their order, by the names that files and boards give them."""

READABLE = 0o640
"""The folder gives its own group to each file in it: that of the instructor."""


@dataclass(frozen=True)
class Event:
    """A notebook was opened (``exercise`` is ""), or an answer tried; ``at`` is UTC, ISO 8601.

    ``mistake`` is the name of the known mistake that was made, ``said`` what is said to it, in
    English: learners of all languages are counted together.
    """

    at: str
    notebook: str
    exercise: str = ""
    solved: bool = False
    mistake: str = ""
    who: str = ""
    said: str = ""


def titled(notebook: str, say: Callable[[str], str]) -> str:
    """Return what ``tensors`` is called above the notebook, in a language: ``1. Tensors``."""
    if notebook not in TITLES:
        return notebook
    number = list(TITLES).index(notebook)
    return f"{number}. {say(TITLES[notebook])}"


def user() -> str:
    """Return the name that this learner logged in with; "" where everybody has the same one."""
    try:
        name = os.environ.get("JUPYTERHUB_USER") or getpass.getuser()
    except (OSError, KeyError, ImportError):  # a user id without a name, as in some containers
        return ""
    return "" if name in ("root", "jovyan") else name


def note(
    notebook: str, exercise: str = "", *, solved: bool = False, mistake: str = "", said: str = ""
) -> None:
    """Add a line to this learner's file; where that does not work, nothing happens.

    notebook, exercise: by their names; no exercise where a notebook is opened
    solved: whether the answer was right
    mistake, said: the name of the known mistake, and the English sentence about it
    """
    folder = os.environ.get("LABKIT_CLASS")
    if not folder:
        return
    who = user() if os.environ.get("LABKIT_CLASS_NAMES") == "1" else ""
    now = datetime.now(UTC).isoformat(timespec="seconds")
    line = json.dumps(asdict(Event(now, notebook, exercise, solved, mistake, who, said)))
    one = hashlib.sha256(f"{user()} {os.path.expanduser('~')}".encode()).hexdigest()[:16]
    try:
        file = Path(folder) / f"{one}.jsonl"
        new = not file.exists()
        with open(file, "a", encoding="utf-8") as out:
            out.write(line + "\n")
        if new:
            file.chmod(READABLE)
    except OSError:  # an exercise is worth more than a line about it
        return


def read(folder: Path) -> tuple[list[list[Event]], list[str]]:
    """Return the events of each learner, oldest first, and the names of files that are refused.

    Lines that hold no event are left out.
    """
    learners, refused = [], []
    for file in sorted(folder.glob("*.jsonl")):
        events = []
        try:
            text = file.read_text("utf-8", errors="replace")
        except OSError:  # of a group that the instructor is not in, or removed meanwhile
            refused += [file.name] if file.exists() else []
            continue
        for line in text.splitlines():
            try:
                event = Event(**json.loads(line))
                known = datetime.fromisoformat(event.at).tzinfo is not None
            except (ValueError, TypeError):
                continue
            words = (event.notebook, event.exercise, event.mistake, event.who, event.said)
            if known and all(isinstance(word, str) for word in words):
                events.append(event)
        if events:
            learners.append(events)
    return learners, refused
