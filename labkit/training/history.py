"""The numbers of a run."""

from dataclasses import dataclass, field

from labkit.text import _, ngettext


@dataclass(repr=False)
class History:
    """The numbers of a run as plain lists, ready for a figure or a file.

    One entry per point of the running loss: ``steps`` (batches since the start of the run),
    ``running_loss`` (mean since the point before) and ``learning_rate``. One entry per epoch:
    ``training_loss`` (mean over the epoch, while the weights changed), ``validation_loss`` and
    ``validation_accuracy`` (after it), and ``seconds``.
    """

    steps_per_epoch: int
    steps: list[int] = field(default_factory=list)
    running_loss: list[float] = field(default_factory=list)
    learning_rate: list[float] = field(default_factory=list)
    training_loss: list[float] = field(default_factory=list)
    validation_loss: list[float] = field(default_factory=list)
    validation_accuracy: list[float] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)

    def __repr__(self) -> str:
        """Say how far it went and where it ended; the lists would fill a page."""
        n = len(self.validation_loss)
        if not n:
            return _("History of 0 epochs")
        return ngettext(
            "History of {n} epoch: validation loss {loss:.3f}, accuracy {accuracy:.1%} at the end",
            "History of {n} epochs: validation loss {loss:.3f}, accuracy {accuracy:.1%} at the end",
            n,
        ).format(n=n, loss=self.validation_loss[-1], accuracy=self.validation_accuracy[-1])

    @property
    def at(self) -> list[float]:
        """Return for each point of the running loss how many epochs were done, with fractions."""
        return [step / self.steps_per_epoch for step in self.steps]


@dataclass
class Mean:
    """A mean loss in the making: the sum over examples, divided only when it is asked for."""

    total: float = 0.0
    examples: int = 0

    def add(self, loss: float, examples: int) -> None:
        self.total += loss * examples
        self.examples += examples

    @property
    def value(self) -> float:
        return self.total / self.examples if self.examples else float("nan")
