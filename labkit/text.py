"""Every sentence that a learner reads passes through ``_()``, so that it can be translated."""

import builtins
import gettext
import io
import os
import re
import string
import sys
from collections.abc import Generator
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path, PurePath

LANGUAGES = {
    "en": "English",
    "es": "Español",
    "pt_BR": "Português",
    "fr": "Français",
    "de": "Deutsch",
}
"""The languages of the workshop, each by its own name; the first is the one it is written in."""

LOCALES = Path(__file__).parent / "locales"

_THIN, _FIXED = "\u202f", "\u00a0"  # blanks at which no line is broken
_SIGNS = {
    "es": {",": _THIN, ".": ",", "%": f"{_FIXED}%"},
    "pt_BR": {",": ".", ".": ","},
    "fr": {",": _THIN, ".": ",", "%": f"{_THIN}%"},
    "de": {",": ".", ".": ",", "%": f"{_FIXED}%"},
}
"""What a language writes between thousands, before decimals and for percent; else as English."""


def language() -> str:
    """Return the language of this process, a key of `LANGUAGES`.

    ``LABKIT_LANGUAGE`` decides. Without it, it is that of the notebook that is open: Spanish below
    ``notebooks/es``; else English. That of the operating system does not count.
    """
    try:
        here = os.getcwd()
    except OSError:  # a folder that was deleted
        here = ""
    return _language(os.environ.get("LABKIT_LANGUAGE"), os.environ.get("JPY_SESSION_NAME"), here)


@contextmanager
def speaking(code: str) -> Generator[None]:
    """Let this process speak a language for a while, whichever notebook is open."""
    before = os.environ.get("LABKIT_LANGUAGE")
    os.environ["LABKIT_LANGUAGE"] = code
    try:
        yield
    finally:
        if before is None:
            del os.environ["LABKIT_LANGUAGE"]
        else:
            os.environ["LABKIT_LANGUAGE"] = before


@cache
def _language(chosen: str | None, notebook: str | None, here: str) -> str:
    if chosen:
        name = chosen.partition(".")[0].replace("-", "_")
        known = {code.lower(): code for code in LANGUAGES} | {"pt": "pt_BR"}
        lower = name.lower()
        return known.get(lower) or known.get(lower.partition("_")[0], "en")
    for path in filter(None, (notebook, here)):
        parts = PurePath(path).parts
        for above, part in zip(parts, parts[1:], strict=False):
            if above == "notebooks" and part in LANGUAGES:
                return part
    return "en"


def _(message: str) -> str:
    """Return ``message`` in the language of this process (`language`).

    Fill in values after the call, ``_("{n} images").format(n=4)``: an f-string inside it
    could never be found in a catalogue.
    """
    code = language()
    if code == "en" or not message:  # an empty one stands for the head of a catalogue
        return message
    return Sentence(catalogue(code).gettext(message), code)


def ngettext(singular: str, plural: str, n: int) -> str:
    """Return the form of a sentence that fits the count ``n``, translated."""
    code = language()
    if code == "en":
        return singular if n == 1 else plural
    return Sentence(catalogue(code).ngettext(singular, plural, n), code)


def N_(message: str) -> str:
    """Mark a sentence for translation where it is defined; pass it through ``_()`` where used."""
    return message


def command(module: str) -> str:
    """Return how a module of the workshop is started from here, as a learner types it.

    In a terminal, ``python`` may be another one, so a Python in the folder of the workshop is
    typed as the path to it: ``.venv/bin/python -m labkit.preflight``. In a cell, it is ``%run``.
    """
    if hasattr(builtins, "__IPYTHON__"):
        return f"%run -m {module}"
    python = "python"
    if Path(sys.executable).is_relative_to(Path(__file__).parents[1]):
        with suppress(OSError, ValueError):  # a folder that was deleted; another drive
            python = os.path.relpath(sys.executable).removesuffix(".exe")
    return f"{python} -m {module}"


def on_any_terminal() -> None:
    """Let ``print`` write a question mark where a terminal lacks a letter, as with ``LANG=C``."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")


def written(value: float, form: str = "") -> str:
    """Return a number as this language writes it: ``written(0.5, ".1%")`` is 50,0 % in German.

    ``form`` is that of Python's ``format``. In a sentence from ``_()``, ``.format`` does the same.
    """
    return with_signs(format(value, form))


def in_two_digits(value: float) -> str:
    """Return a number by its first two digits, as this language writes it: 4.3, 43, 4,300."""
    return written(value, ".2g") if value < 99.5 else written(float(f"{value:.2g}"), ",.0f")


def signs() -> dict[str, str]:
    """Return what this language writes for ``,``, ``.`` and ``%``, for a browser that writes."""
    return _SIGNS.get(language(), {}) | {"language": language()}


def with_signs(text: str, code: str = "") -> str:
    """Return a text whose numbers have the signs of a language, by default this process's."""
    code = code or language()
    signs = _SIGNS.get(code, {})
    if code == "es":  # a number of four digits is written without a blank
        text = re.sub(r"(?<![\d,])(\d),(?=\d{3}(?![\d,]))", r"\1", text)
    return re.sub(r"(?<=\d)[.,](?=\d)|(?<=\d)%", lambda sign: signs.get(sign[0], sign[0]), text)


class Sentence(str):
    """A translated sentence: ``format`` writes numbers as its language does.

    A field with ``!s`` or ``!r``, or behind a ``=``, is code, and stays as Python writes it.
    """

    code: str

    def __new__(cls, text: str, code: str = "en"):
        self = super().__new__(cls, text)
        self.code = code
        return self

    def format(self, *values, **named) -> str:
        """Return the sentence with its fields filled, as ``str.format`` does."""
        return _Writer(self.code).vformat(self, values, named)


class _Writer(string.Formatter):
    def __init__(self, code: str):
        self.code, self.is_code = code, False

    def parse(self, format_string):
        for before, name, form, conversion in super().parse(format_string):
            if name is not None:
                self.is_code = before.endswith("=")
            yield before, name, form, conversion

    def format_field(self, value, format_spec: str) -> str:
        text = format(value, format_spec)
        number = isinstance(value, float) or (format_spec and not isinstance(value, str))
        return with_signs(text, self.code) if number and not self.is_code else text


@cache
def catalogue(code: str) -> gettext.NullTranslations:
    """Return the sentences of a language, from ``labkit.mo``, or from a newer ``labkit.po``."""
    folder = LOCALES / code / "LC_MESSAGES"
    built, source = folder / "labkit.mo", folder / "labkit.po"
    times = [path.stat().st_mtime if path.exists() else 0 for path in (built, source)]
    if not any(times):
        return gettext.NullTranslations()
    content = built.read_bytes() if times[0] >= times[1] else compiled(source)
    return gettext.GNUTranslations(io.BytesIO(content))


def compiled(source: Path) -> bytes:
    """Return what belongs into the ``.mo`` of a ``.po``; fuzzy entries are left out."""
    from babel.messages import mofile, pofile

    target = io.BytesIO()
    with source.open("rb") as file:
        mofile.write_mo(target, pofile.read_po(file))
    return target.getvalue()
