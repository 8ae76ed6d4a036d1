"""Every sentence that a learner reads passes through ``_()``, so that it can be translated."""

import gettext
import os
from functools import cache
from pathlib import Path

_LOCALES = Path(__file__).parent / "locales"


@cache
def _catalogue(language: str | None) -> gettext.NullTranslations:
    languages = [language] if language else None
    return gettext.translation("labkit", _LOCALES, languages, fallback=True)


def _(message: str) -> str:
    """Return ``message`` in the language of ``LABKIT_LANGUAGE``, else of the system.

    Fill in values after the call, ``_("{n} images").format(n=4)``: an f-string inside it
    could never be found in a catalogue.
    """
    return _catalogue(os.environ.get("LABKIT_LANGUAGE")).gettext(message)


def ngettext(singular: str, plural: str, n: int) -> str:
    """Return the form of a sentence that fits the count ``n``, translated."""
    return _catalogue(os.environ.get("LABKIT_LANGUAGE")).ngettext(singular, plural, n)


def N_(message: str) -> str:
    """Mark a sentence for translation where it is defined; pass it through ``_()`` where used."""
    return message
