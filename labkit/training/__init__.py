"""Training: ``loop`` is the five lines, ``run`` goes from start to finish, ``live`` in a thread.

A run is the same whether it goes straight through, step by step, or is killed and resumed.
"""

from labkit.training.guard import ModelChanged
from labkit.training.history import History
from labkit.training.loop import Evaluation, TrainingStopped, evaluate, train_epoch, train_step
from labkit.training.run import Run, fit
