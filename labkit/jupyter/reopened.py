"""Runs in a kernel that takes the place of another: says in its first cell what became of that."""

from labkit.display import tell
from labkit.text import N_, _

REASONS = {
    "closed": (
        N_("This notebook's kernel was closed while you worked in another one."),
        N_("That saves its memory. Your answers, checkpoints and solved exercises are kept."),
    ),
    "died": (
        N_("This notebook's kernel ended by itself. Most often, the memory was full."),
        N_("Shut down the kernels that you do not need: menu Kernel, Shut Down All Kernels."),
    ),
}


def explain(shell, why: str) -> None:
    """Let IPython's ``shell`` say above its next output why (`REASONS`) the last kernel is gone."""

    def say(_info=None) -> None:
        shell.events.unregister("pre_run_cell", say)
        tell(
            *map(_, REASONS[why]),
            _("Its variables are gone: menu Run, Run All Above Selected Cell brings them back."),
        )

    shell.events.register("pre_run_cell", say)
