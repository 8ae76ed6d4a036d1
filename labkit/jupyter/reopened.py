"""Runs in a kernel that takes the place of one that was closed: says so in the first cell run."""

from labkit.display import tell
from labkit.text import _


def explain(shell) -> None:
    """Let IPython's ``shell`` say above the output of its next cell what became of the kernel."""

    def say(_info=None) -> None:
        shell.events.unregister("pre_run_cell", say)
        tell(
            _("This notebook's kernel was closed while you worked in another one."),
            _("That saves its memory. Your answers, checkpoints and solved exercises are kept."),
            _("Its variables are gone: menu Run, Run All Above Selected Cell brings them back."),
        )

    shell.events.register("pre_run_cell", say)
