"""The exercises of every notebook, in their order."""

import importlib

from labkit.checks.engine.board import Board, Entry, Notebook, ProgressError, read
from labkit.checks.engine.spec import Exercise
from labkit.classroom import TITLES, titled
from labkit.text import _

SERIES = {name: title for name, title in TITLES.items() if name != "setup"}
"""The notebooks with exercises: each has a module of this name here, and a title."""


def exercises(notebook: str) -> tuple[Exercise, ...]:
    """Return the exercises of a notebook (``tensors``) in their order."""
    module = importlib.import_module(f"labkit.checks.{notebook}")
    found = (value for value in vars(module).values() if isinstance(value, Exercise))
    return tuple(sorted(found, key=lambda exercise: exercise.number))


def board(notebook: str) -> Board:
    """Return the board of the series as it is now, with this notebook's exercises by name."""
    try:
        progress, complaint = read(), ""
    except ProgressError as error:
        progress, complaint = {}, str(error)
    rows = {}
    for name in SERIES:
        tried = progress.get(name, {})
        marks = tuple(
            (exercise.name, bool(tried.get(exercise.name, Entry()).solved))
            for exercise in exercises(name)
        )
        rows[name] = Notebook(titled(name, _), marks)
    return Board(rows[notebook], tuple(rows.values()), complaint)
