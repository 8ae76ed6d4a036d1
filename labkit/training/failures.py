"""What ended a live run, for someone who sees no traceback."""

from labkit.device import out_of_memory
from labkit.text import _
from labkit.training.checkpoint import CheckpointError
from labkit.training.loop import TrainingStopped
from labkit.training.run import Run


def in_words(error: Exception, run: Run) -> str:
    """Return what went wrong in ``run``, and what to do."""
    if isinstance(error, TrainingStopped | CheckpointError):
        return str(error)
    said = first_line(error)
    name = type(error).__name__
    if out_of_memory(error):
        return _(
            "Not enough memory on {device} for this step. Make a new run with half the batch size. "
            "({name}: {said})"
        ).format(device=run.device, name=name, said=said)
    if isinstance(error, RuntimeError) and ("shape" in said or "size" in said):
        return _(
            "The model cannot take this batch: compare its layers with the shape of the images. "
            "({name}: {said})"
        ).format(name=name, said=said)
    text = _("Training stopped at step {step}: {name}: {said}")
    return text.format(step=run.steps_done + 1, name=name, said=said)


def first_line(error: Exception) -> str:
    """Return the first line of what an exception says."""
    return str(error).strip().partition("\n")[0]
