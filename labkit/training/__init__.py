"""Training: ``loop`` is the five lines, ``run`` a training from start to finish, ``live`` a thread.

A run is the same whether it goes straight through, step by step, or is killed and taken up again.
"""

from labkit.training.history import History
from labkit.training.loop import Evaluation, TrainingStopped, evaluate, train_epoch, train_step
from labkit.training.run import ModelChanged, Run, fit

__all__ = [
    "Evaluation",
    "History",
    "ModelChanged",
    "Run",
    "TrainingStopped",
    "evaluate",
    "fit",
    "train_epoch",
    "train_step",
]
