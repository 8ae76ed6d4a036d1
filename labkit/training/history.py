"""The numbers of a run."""

from dataclasses import dataclass, field


@dataclass
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
