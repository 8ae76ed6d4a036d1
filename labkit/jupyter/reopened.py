"""Runs in a new kernel: says in its first cell what became of the last one, or what is wrong."""

from labkit.display import tell
from labkit.text import N_, _

_GONE = N_("Its variables are gone: menu Run, Run All Above Selected Cell brings them back.")
REASONS = {
    "closed": (
        N_("This notebook's kernel was closed while you worked in another one."),
        N_("That saves its memory. Your answers, checkpoints and solved exercises are kept."),
        _GONE,
    ),
    "died": (
        N_("This notebook's kernel ended by itself. Most often, the memory was full."),
        N_("Shut down the kernels that you do not need: menu Kernel, Shut Down All Kernels."),
        _GONE,
    ),
    "full": (
        N_("Your home folder is full. You can go on, but what you change cannot be saved."),
        N_("Delete what you do not need, and save the notebook again."),
    ),
}


def explain(shell, why: str) -> None:
    """Let IPython's ``shell`` say above its next output what `REASONS` has for ``why``."""

    def say(_info=None) -> None:
        shell.events.unregister("pre_run_cell", say)
        tell(*map(_, REASONS[why]))

    shell.events.register("pre_run_cell", say)
