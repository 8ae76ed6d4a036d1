"""Checkpoints: the state of a training on disk, verified before it is opened.

A checkpoint is an ordinary file of ``torch.save``, so ``torch.load(path, weights_only=True)``
opens it too. Such a file is a zip archive, and a zip archive may end in a comment: ours says the
format's version and the sha256 of the bytes before it. ``torch.load`` alone does not notice a
flipped byte.
"""

import hashlib
import io
import os
import pickle
import platform
import re
import time
import uuid
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from torch import nn

from labkit.sandbox.model_lock import model_lock
from labkit.text import _
from labkit.training import History, Run

FORMAT = 1
_COMMENT_LENGTH = len("labkit checkpoint 001 sha256 ") + 64
_ZIP_START, _ZIP_END = b"PK\x03\x04", b"PK\x05\x06"
_NO_COMMENT = b"\x00\x00"
"""The last two bytes of a zip archive without a comment: the comment's length (APPNOTE 4.3.16)."""

_NO_PLAIN_DATA = (
    *(pickle.UnpicklingError, RuntimeError, EOFError),
    *(AttributeError, KeyError, TypeError, ValueError),  # seen with other bytes under a right seal
)


class CheckpointError(RuntimeError):
    """Says in words what is wrong with a checkpoint, and which good one is left."""


@dataclass(frozen=True)
class Checkpoint:
    """What a checkpoint file holds.

    ``model`` is the state_dict on the CPU or the device asked for; ``classes`` and ``source``
    belong to the data it was trained on; ``history`` and ``run`` are there if a run was saved.
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

        Raise ``CheckpointError`` if names or shapes of the weights differ, or if they were trained
        on another source or other classes than those of ``dataset``; then none is copied.
        """
        if dataset is not None and (self.source, self.classes) != _data(dataset):
            raise CheckpointError(
                _("{path} was trained on other images: on {saved}, and these are {here}.").format(
                    path=self.path.name,
                    saved=_in_words(self.source, self.classes),
                    here=_in_words(*_data(dataset)),
                )
            )
        difference = _difference(_signature(self.model), _signature(model.state_dict()))
        if difference:
            raise CheckpointError(
                _("The weights in {path} do not fit this {model}: {difference}.").format(
                    path=self.path.name, model=type(model).__name__, difference=difference
                )
            )
        model.load_state_dict(self.model)
        return model

    def resume(self, run: Run) -> Run:
        """Put ``run`` where the saved one was: weights, optimizer, position, random numbers.

        Raise ``CheckpointError`` if the file holds no run, or its model, its data or the order of
        its batches are others; then ``run`` is as it was.
        """
        if self.run is None:
            raise CheckpointError(
                _("{path} holds weights but no run: there is nothing to resume.").format(
                    path=self.path.name
                )
            )
        for name, saved in self.recipe.items():
            here = _recipe(run).get(name)
            if here != saved:
                raise CheckpointError(
                    _(
                        "The run in {path} cannot go on here: its {name} is {saved}, and this "
                        "run's is {here}. Make the run as that one was made, or delete the file."
                    ).format(path=self.path.name, name=name, saved=saved, here=here)
                )
        with model_lock:
            self.restore(run.model)
            run.load_state_dict(self.run)
        return run


def folder() -> Path:
    """Return where checkpoints go: ``LABKIT_CHECKPOINTS``, else ``checkpoints`` right here."""
    return Path(os.environ.get("LABKIT_CHECKPOINTS") or "checkpoints")


def previous(path: Path | str) -> Path:
    """Return where the checkpoint that was at ``path`` before the present one is kept."""
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

    ``run`` adds optimizer, scheduler, position, history and random numbers; ``classes`` and
    ``source`` are then taken from its data set. The file is complete or not there at all: it is
    written beside ``path`` and moved there in one step. A live training waits until its state is
    taken down. Raise ``CheckpointError`` if the disk is full or the folder cannot be written.
    """
    path = Path(path)
    archive = _archive(model, classes, source, history, run)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        _sweep(path)
        before = _bytes(path)
        if not _fault(path, before):
            _replace(previous(path), before)
        _replace(path, _sealed(archive))
    except OSError as error:
        unsaved = _("{path} cannot be saved: {reason}. Make room or choose another folder.").format(
            path=path, reason=error.strerror or error
        )
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
            "model": model.state_dict(),
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
    """Verify the checkpoint at ``path`` and read it, with its weights on ``device``.

    Nothing in the file is run (``weights_only=True``). Raise ``CheckpointError`` if it is missing,
    cut short, damaged, of another kind or version, or holds anything but plain data.
    """
    path = Path(path)
    try:
        data = _bytes(path)
    except OSError as error:
        unread = _("{path} cannot be read: {reason}.").format(
            path=path, reason=error.strerror or error
        )
        raise CheckpointError(f"{unread} {_what_is_left(path)}") from error
    fault = _fault(path, data)
    if fault:
        raise CheckpointError(f"{fault} {_what_is_left(path)}")
    try:
        content = torch.load(io.BytesIO(data), map_location="cpu", weights_only=True)
        history = content.pop("history")
        found = Checkpoint(path, history=History(**history) if history else None, **content)
        _signature(found.model)
    except _NO_PLAIN_DATA as error:
        doubt = _(
            "{path} holds something that a checkpoint does not: it was not opened. Use only files "
            "that you or somebody you trust has saved."
        ).format(path=path.name)
        raise CheckpointError(f"{doubt} {_what_is_left(path)}") from error
    return replace(found, model={name: part.to(device) for name, part in found.model.items()})


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


def _sealed(archive: bytes) -> bytes:
    """Return the zip ``archive`` with a comment that holds its digest."""
    digest = hashlib.sha256(archive).hexdigest()
    comment = f"labkit checkpoint {FORMAT:03d} sha256 {digest}".encode()
    return archive[: -len(_NO_COMMENT)] + len(comment).to_bytes(2, "little") + comment


def _bytes(path: Path) -> bytes | None:
    return path.read_bytes() if path.is_file() else None


def _fault(path: Path, data: bytes | None) -> str:
    """Return what is wrong with the bytes of a file, in a sentence; nothing if they are good."""
    if data is None:
        return _("There is no checkpoint {path}.").format(path=path)
    body, comment = data[: -_COMMENT_LENGTH - 2], data[-_COMMENT_LENGTH:]
    if not data.startswith(_ZIP_START):
        return _("{path} is not a checkpoint.").format(path=path.name)
    if data[-len(_ZIP_END) - 18 :].startswith(_ZIP_END):
        return _(
            "{path} was saved by torch.save alone: it has no sha256, so nobody can tell whether "
            "its bytes are still the same. Save it with labkit.training.checkpoint."
        ).format(path=path.name)
    seal = re.fullmatch(rb"labkit checkpoint (\d{3}) sha256 ([0-9a-f]{64})", comment)
    if not seal:
        return _("{path} is cut short or damaged: it ends wrongly after {size} bytes.").format(
            path=path.name, size=f"{len(data):,}"
        )
    version, digest = int(seal[1]), seal[2].decode()
    if version != FORMAT:
        return _(
            "{path} has format {version}, and this labkit reads format {format}: update labkit."
        ).format(path=path.name, version=version, format=FORMAT)
    if hashlib.sha256(body + _NO_COMMENT).hexdigest() != digest:
        return _("{path} is damaged: its bytes are not those that were saved.").format(
            path=path.name
        )
    return ""


def _good(path: Path) -> bool:
    try:
        return not _fault(path, _bytes(path))
    except OSError:
        return False


def _still_there(path: Path) -> str:
    for kept in filter(_good, (path, previous(path))):
        return _("The one saved before it is still good: {path}.").format(path=kept.name)
    return ""


def _what_is_left(path: Path) -> str:
    before = previous(path)
    if _good(before):
        return _("The one saved before it is good: load {path}.").format(path=before.name)
    return _("Train again to make one.")


def _replace(path: Path, data: bytes) -> None:
    """Put ``data`` at ``path`` in one step, so that a crash leaves the old file or the new one."""
    temporary = path.with_name(f".{path.name}.{uuid.uuid4().hex}")
    try:
        with open(temporary, "xb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def _sweep(path: Path) -> None:
    """Remove what a process that was killed while it wrote has left behind, after an hour."""
    for orphan in path.parent.glob(f".{path.name}.*"):
        with suppress(FileNotFoundError):  # another writer has just finished with it
            if time.time() - orphan.stat().st_mtime > 3600:
                orphan.unlink()


def _signature(state: dict[str, torch.Tensor]) -> dict[str, tuple[int, ...]]:
    return {name: tuple(tensor.shape) for name, tensor in state.items()}


def _difference(saved: dict, here: dict) -> str:
    """Return the first difference of two signatures in words; nothing if they are the same."""
    for name in [*saved, *here]:
        if name not in here:
            return _("{name} is only in the file").format(name=name)
        if name not in saved:
            return _("{name} is only in the model").format(name=name)
        if saved[name] != here[name]:
            return _("{name} is {saved} in the file and {here} in the model").format(
                name=name, saved=list(saved[name]), here=list(here[name])
            )
    return ""


def _data(dataset) -> tuple[str, list[str]]:
    """Return source and classes of a data set, also of a ``Subset``; nothing for any other."""
    while hasattr(dataset, "dataset"):
        dataset = dataset.dataset
    return str(getattr(dataset, "source", "")), list(getattr(dataset, "classes", ()))


def _in_words(source: str, classes: list[str]) -> str:
    names = ", ".join(classes[:3]) + (" ..." if len(classes) > 3 else "")
    return _("{source} ({n} classes: {names})").format(
        source=source or "?", n=len(classes), names=names
    )


def _recipe(run: Run) -> dict:
    """Return what must be the same for a resumed run to be the continuation of the saved one."""
    batches = run.train_batches
    source, classes = _data(getattr(batches, "dataset", None))
    _rank, processes = getattr(batches, "shard", (0, 1))
    batch_size = getattr(batches, "batch_size", None)
    return {
        "data source": source,
        "list of classes": classes,
        "number of batches": len(batches),
        "batch size": batch_size and batch_size * processes,
        "seed of the order": getattr(batches, "seed", None),
        "shuffling": getattr(batches, "shuffle", None),
        "optimizer": type(run.optimizer).__name__,
        "number of weights in each group of the optimizer": [
            len(group["params"]) for group in run.optimizer.param_groups
        ],
        "scheduler": type(run.scheduler).__name__ if run.scheduler else None,
        "number of steps that the scheduler plans": getattr(run.scheduler, "total_steps", None),
    }
