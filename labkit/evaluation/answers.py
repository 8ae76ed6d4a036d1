"""The learner's own answers to a few validation images, kept until the network answers them too."""

import difflib
import hashlib
import json
import re
from pathlib import Path

from labkit.display import ExplainedError, tell
from labkit.files import replace, work
from labkit.text import _, ngettext

FORMAT = 1
FILE = "my_answers.json"
COUNT = 24
"""How many images of a set are shown: the first ones."""


def path() -> Path:
    """Return where the answers are kept: beside the checkpoints."""
    return work() / FILE


def keep_answers(names: str | list[str], dataset) -> list[str]:
    """Keep a learner's names for the first 24 images of ``dataset``; return them as class names.

    ``names`` is one string ("cat, ship, frog ..."; the beginning of a name is enough) or a list.
    Raise ``ExplainedError``, a ``ValueError``, if a name is no class or their number is wrong.
    If the file cannot be written, that is said, and the names are returned all the same.
    """
    typed = _separated(names) if isinstance(names, str) else [str(name) for name in names]
    wanted = _shown(dataset)
    if len(typed) != wanted:
        raise ExplainedError(
            ngettext(
                "There are {wanted} images, and you typed {n} name. One name for each, please; "
                "guess if you do not know.",
                "There are {wanted} images, and you typed {n} names. One name for each, please; "
                "guess if you do not know.",
                len(typed),
            ).format(wanted=wanted, n=len(typed))
        )
    answers = [_class_called(name, n, dataset.classes) for n, name in enumerate(typed, start=1)]
    content = {"format": FORMAT, **_of(dataset), "answers": answers}
    try:
        replace(path(), json.dumps(content, indent=1, ensure_ascii=False))
    except OSError as error:
        tell(
            _("Your answers could not be kept for notebook 6."),
            _("{file} cannot be written: {reason}.").format(
                file=path(), reason=error.strerror or error
            ),
        )
    return answers


def kept_answers(dataset) -> list[str] | None:
    """Return the answers kept for these images of ``dataset``, as class names.

    None if there are none, if they belong to other images, or if the file cannot be read.
    """
    try:
        content = json.loads(path().read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return None
    answers = content.get("answers") if isinstance(content, dict) else None
    if not isinstance(answers, list) or len(answers) != _shown(dataset):
        return None
    expected = {"format": FORMAT, **_of(dataset), "answers": answers}
    known = all(answer in dataset.classes for answer in answers)
    return answers if known and content == expected else None


def _shown(dataset) -> int:
    return min(COUNT, len(dataset))


def _of(dataset) -> dict:
    """Return what says that a file belongs to these images: their source, classes and pixels."""
    pixels = dataset.data[:COUNT].tobytes()
    return {
        "source": str(dataset.source),
        "classes": list(dataset.classes),
        "images": hashlib.sha256(pixels).hexdigest(),
    }


def _separated(text: str) -> list[str]:
    """Split at commas and line ends; a text without commas at every space."""
    parts = re.split(r"[,;\n]" if re.search(r"[,;]", text) else r"\s", text)
    return [part.strip() for part in parts if part.strip()]


def _class_called(name: str, number: int, classes: list[str]) -> str:
    lowered = {each.lower(): each for each in classes}
    typed = name.strip().lower()
    if typed in lowered:
        return lowered[typed]
    fitting = [each for each in lowered if typed and each.startswith(typed)]
    if len(fitting) == 1:
        return lowered[fitting[0]]
    near = fitting or difflib.get_close_matches(typed, lowered)
    message = _("Image {number}: {name!r} is not one of the classes. They are: {classes}.")
    if near:
        message = _("Image {number}: {name!r} is not one of the classes. Did you mean {near}?")
    raise ExplainedError(
        message.format(
            number=number,
            name=name,
            classes=", ".join(classes),
            near=_(" or ").join(lowered[each] for each in near),
        )
    )
