"""The exercises of every notebook, in their order."""

import importlib

from labkit.checks.engine.board import Board, Entry, ProgressError, Row, read
from labkit.checks.engine.spec import Exercise
from labkit.text import N_, _

SERIES = {
    "tensors": N_("Tensors"),
    "dataloader": N_("Data and DataLoader"),
    "cnn": N_("The convolutional network"),
    "loss_optimizer": N_("Loss and optimizer"),
    "training": N_("Training"),
    "evaluation": N_("Evaluation"),
    "gpu": N_("The GPU"),
    "faster": N_("Faster"),
}
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
    for number, (name, title) in enumerate(SERIES.items(), start=1):
        tried = progress.get(name, {})
        marks = tuple(
            (exercise.name, bool(tried.get(exercise.name, Entry()).solved))
            for exercise in exercises(name)
        )
        heading = _("{number}. {title}").format(number=number, title=_(title))
        rows[name] = Row(heading, marks)
    return Board(rows[notebook], tuple(rows.values()), complaint)
