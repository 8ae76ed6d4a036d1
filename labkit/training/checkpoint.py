"""Checkpoints: a run or a model on disk, checked for damage before anything in it is opened.

A checkpoint is an ordinary file of ``torch.save``, and ``load`` reads any such file of weights,
e.g. that of ``torch.save(model.state_dict(), path)``.
"""

import io
import pickle
import platform
import time
from dataclasses import dataclass, fields
from pathlib import Path
from typing import BinaryIO

import torch
from torch import nn

from labkit.display import ExplainedError
from labkit.files import replace
from labkit.sandbox.model_lock import model_lock
from labkit.text import N_, _
from labkit.training import History, Run
from labkit.training.checkpoint_folder import folder as folder
from labkit.training.state_dicts import bare_names, difference, is_state_dict, unwrapped
from labkit.training.torch_file import damaged, fault, is_whole, no_device, sweep

FORMAT = 1
_NO_PLAIN_DATA = (
    *(pickle.UnpicklingError, EOFError),
    *(AttributeError, KeyError, TypeError, ValueError, IndexError),  # seen with made-up pickles
)
_WEIGHTS = ("model", "state_dict", "model_state_dict", "net")
"""Under these names other programs keep the weights in a dictionary."""


class CheckpointError(ExplainedError):
    """Explain in a sentence what is wrong with a checkpoint, and which good one is left."""


@dataclass(frozen=True)
class Checkpoint:
    """What a checkpoint file holds.

    ``model`` is the state_dict on the CPU or the requested device; ``classes`` and ``source``
    belong to the data it was trained on; ``history`` and ``run`` are there if a run was saved.
    A file that ``torch.save`` wrote elsewhere has weights and the time of the file, no more.
    """

    path: Path
    model: dict[str, torch.Tensor]
    classes: list[str]
    source: str
    history: History | None
    run: dict | None
    recipe: dict
    versions: dict[str, str]
    saved: float

    def restore(self, model: nn.Module, dataset=None) -> nn.Module:
        """Copy the weights into ``model`` and return it.

        Either may be wrapped by ``nn.DataParallel`` or ``torch.compile``. Raise ``CheckpointError``
        if names or shapes of the weights differ, or if they were trained on another source or
        other classes than those of ``dataset``; then none is copied.
        """
        if dataset is not None:
            self._check_data(dataset)
        names = bare_names(model.state_dict())
        saved = {bare: self.model[name] for bare, name in bare_names(self.model).items()}
        misfit = difference(saved, {bare: model.state_dict()[name] for bare, name in names.items()})
        if misfit:
            raise CheckpointError(
                _("The weights in {path} do not fit this {model}: {difference}.").format(
                    path=self.path.name, model=type(unwrapped(model)).__name__, difference=misfit
                )
            )
        model.load_state_dict({name: saved[bare] for bare, name in names.items()})
        return model

    def _check_data(self, dataset) -> None:
        if not (self.source or self.classes):
            text = _(
                "{path} does not say on which images it was trained. To load it all the same, "
                "leave out the data set: checkpoint.load(path).restore(model)."
            )
            raise CheckpointError(text.format(path=self.path.name))
        if (self.source, self.classes) != _data(dataset):
            raise CheckpointError(
                _("{path} was trained on other images: on {saved}, and these are {here}.").format(
                    path=self.path.name,
                    saved=_in_words(self.source, self.classes),
                    here=_in_words(*_data(dataset)),
                )
            )

    def resume(self, run: Run) -> Run:
        """Restore into ``run`` weights, optimizer, position and random numbers of the saved one.

        Raise ``CheckpointError`` if the file holds no run, or one of another model, other data or
        another order of the batches; then ``run`` is left as it was.
        """
        if self.run is None:
            nothing = _("{path} holds weights but no run: there is nothing to resume.")
            raise CheckpointError(nothing.format(path=self.path.name))
        for name, saved in self.recipe.items():
            here = _recipe(run).get(name)
            if here != saved:
                raise CheckpointError(
                    _(
                        "The run in {path} cannot be resumed here: {name} is {saved} there and "
                        "{here} in this run. Create the run as that one was created, or delete "
                        "the file."
                    ).format(path=self.path.name, name=_(name), saved=saved, here=here)
                )
        with model_lock:
            self.restore(run.model)
            run.load_state_dict(self.run)
        return run


def previous(path: Path | str) -> Path:
    """Return where the checkpoint that was at ``path`` before the current one is kept."""
    path = Path(path)
    return path.with_name(f"{path.stem}.previous{path.suffix}")


def save(
    path: Path | str,
    model: nn.Module,
    *,
    classes=(),
    source: str = "",
    history: History | None = None,
    run: Run | None = None,
) -> Path:
    """Write a checkpoint of ``model`` to ``path``, keep the one before it, and return the path.

    The file is complete or not there at all: it is written beside ``path`` and moved there in one
    step. A live run waits meanwhile.

    path: where to write; its folder is made if it is missing
    model: whose weights to save
    classes: names of the classes, in order (default: none, or those of the run's data set)
    source: where the images come from (default: unknown, or that of the run's data set)
    history: the numbers of the training so far (default: none, or those of the run)
    run: adds optimizer, scheduler, position and random numbers, so that it can be resumed

    Raise ``CheckpointError`` if the disk is full or the folder cannot be written to.
    """
    path = Path(path)
    content = _archive(model, classes, source, history, run)
    try:
        sweep(path)
        if path.is_file():
            before = path.read_bytes()
            if not fault(path, io.BytesIO(before)):
                replace(previous(path), before)
        replace(path, content)
    except OSError as error:
        text = _("{path} cannot be saved: {reason}. Make room or choose another folder.")
        unsaved = text.format(path=path, reason=error.strerror or error)
        raise CheckpointError(f"{unsaved} {_still_there(path)}".strip()) from error
    return path


def _archive(model: nn.Module, classes, source: str, history, run: Run | None) -> bytes:
    """Return the bytes of an ordinary file of ``torch.save``, of one moment between two steps."""
    buffer = io.BytesIO()
    with model_lock:
        if run is not None:
            source, classes = _data(getattr(run.train_batches, "dataset", None))
            history = run.history
        content = {
            "format": FORMAT,
            "model": unwrapped(model).state_dict(),
            "classes": list(classes),
            "source": source,
            "history": vars(history) if history else None,
            "run": run.state_dict() if run else None,
            "recipe": _recipe(run) if run else {},
            "versions": {"torch": str(torch.__version__), "python": platform.python_version()},
            "saved": time.time(),
        }
        torch.save(content, buffer)
    return buffer.getvalue()


def load(path: Path | str, *, device: torch.device | str = "cpu") -> Checkpoint:
    """Check the file at ``path`` for damage and read it, with its weights on ``device``.

    Any file of weights that ``torch.save`` wrote will do. Nothing in it is run
    (``weights_only=True``). Raise ``CheckpointError`` if it is missing, cut short, damaged, of
    another kind or a newer format, or holds anything but plain data.
    """
    path, found = Path(path), None
    if not path.is_file():
        missing = _("There is no checkpoint {path}.").format(path=path)
        raise CheckpointError(f"{missing} {_what_is_left(path)}")
    try:
        with path.open("rb") as file:  # what is checked is what is read, whoever replaces it
            wrong = fault(path, file)
            file.seek(0)
            found = None if wrong else _read(path, file)
    except OSError as error:
        reason = error.strerror or error
        wrong = _("{path} cannot be read: {reason}.").format(path=path, reason=reason)
    if wrong or found is None:
        raise CheckpointError(f"{wrong} {_what_is_left(path)}")
    try:
        found.model.update({name: part.to(device) for name, part in found.model.items()})
    except (RuntimeError, AssertionError) as error:
        raise CheckpointError(no_device(device, error)) from error
    return found


def _read(path: Path, file: BinaryIO) -> Checkpoint:
    try:
        content = torch.load(file, map_location="cpu", weights_only=True)
    except RuntimeError as error:  # of PyTorch's own reader of zip archives
        raise CheckpointError(f"{damaged(path)} {_what_is_left(path)}") from error
    except _NO_PLAIN_DATA as error:
        text = _(
            "{path} holds more than weights, such as a whole model. Opening that would run code "
            "from the file, so it was not opened. If you or somebody you trust has saved it, "
            "reduce it to its weights: torch.save(torch.load({path!r}, "
            "weights_only=False).state_dict(), {path!r})."
        )
        raise CheckpointError(text.format(path=path.name)) from error
    version = content.pop("format", FORMAT) if isinstance(content, dict) else FORMAT
    if isinstance(version, int) and version > FORMAT:
        text = _("{path} has format {version}, and this labkit reads {format}: update labkit.")
        raise CheckpointError(text.format(path=path.name, version=version, format=FORMAT))
    found = _ours(path, content) or _plain(path, content)
    if found is None:
        text = _(
            "{path} holds no weights. Save those of a model with torch.save(model.state_dict(), "
            "{path!r})."
        )
        raise CheckpointError(text.format(path=path.name))
    return found


def _ours(path: Path, content) -> Checkpoint | None:
    """Return what ``save`` wrote; None if something else did."""
    names = [field.name for field in fields(Checkpoint) if field.name != "path"]
    if not isinstance(content, dict) or content.keys() != set(names):
        return None
    if not is_state_dict(content["model"]):
        return None
    history = content["history"]
    return Checkpoint(path, **(content | {"history": History(**history) if history else None}))


def _plain(path: Path, content) -> Checkpoint | None:
    """Return the weights of a state_dict, alone or in a dictionary of another program."""
    inner = [content[name] for name in _WEIGHTS if isinstance(content, dict) and name in content]
    for weights in (content, *inner):
        if is_state_dict(weights) and weights:
            saved = path.stat().st_mtime
            return Checkpoint(path, dict(weights), [], "", None, None, {}, {}, saved)
    return None


class Saver:
    """Save a run after a step when it is time: every so many seconds, and every so many epochs.

    Give it to ``fit(after_step=...)`` or to a live run, which is saved whenever it halts, too.
    """

    def __init__(self, path: Path | str, *, seconds: float = 30.0, epochs: int = 1):
        self.path, self.seconds, self.epochs = Path(path), seconds, epochs
        self._last, self._saved_at = time.monotonic(), 0

    def __call__(self, run: Run) -> None:
        epoch_ends = run.step == 0 and run.epoch % self.epochs == 0
        if epoch_ends or run.finished or time.monotonic() - self._last >= self.seconds:
            self._save(run)

    def at_rest(self, run: Run) -> None:
        """Save a run that halts, unless its last step is saved already."""
        if run.steps_done != self._saved_at:
            self._save(run)

    def _save(self, run: Run) -> None:
        save(self.path, run.model, run=run)
        self._last, self._saved_at = time.monotonic(), run.steps_done


def _still_there(path: Path) -> str:
    for kept in filter(is_whole, (path, previous(path))):
        return _("The one saved before it is still good: {path}.").format(path=kept.name)
    return ""


def _what_is_left(path: Path) -> str:
    before = previous(path)
    if is_whole(before):
        return _("The one saved before it is good: load {path}.").format(path=before.name)
    return _("Train again to make one.")


def _data(dataset) -> tuple[str, list[str]]:
    """Return source and classes of a data set, also of a ``Subset``; nothing for any other."""
    while hasattr(dataset, "dataset"):
        dataset = dataset.dataset
    return str(getattr(dataset, "source", "")), list(getattr(dataset, "classes", ()))


def _in_words(source: str, classes: list[str]) -> str:
    names = ", ".join(classes[:3]) + (" ..." if len(classes) > 3 else "")
    text = _("{source} ({n} classes: {names})")
    return text.format(source=source or "?", n=len(classes), names=names)


def _recipe(run: Run) -> dict:
    """Return what must be the same for a resumed run to be the continuation of the saved one."""
    batches = run.train_batches
    source, classes = _data(getattr(batches, "dataset", None))
    _rank, processes = getattr(batches, "shard", (0, 1))
    batch_size = getattr(batches, "batch_size", None)
    return {
        N_("data source"): source,
        N_("list of classes"): classes,
        N_("number of batches"): len(batches),
        N_("batch size"): batch_size and batch_size * processes,
        N_("seed of the order"): getattr(batches, "seed", None),
        N_("shuffling"): getattr(batches, "shuffle", None),
        N_("optimizer"): type(run.optimizer).__name__,
        N_("number of weights in each group of the optimizer"): [
            len(group["params"]) for group in run.optimizer.param_groups
        ],
        N_("scheduler"): type(run.scheduler).__name__ if run.scheduler else None,
        N_("number of steps that the scheduler plans"): getattr(run.scheduler, "total_steps", None),
    }
