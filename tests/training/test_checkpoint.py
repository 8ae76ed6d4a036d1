"""A checkpoint is verified before it is opened, and a killed run ends as if it had lived."""

import hashlib
import os
import random
import re
import runpy
import signal
import subprocess
import sys
import time
import zipfile
from contextlib import contextmanager
from pathlib import Path

import pytest
import torch
from torch import nn
from torch.optim import lr_scheduler
from torch.utils.data import DataLoader, TensorDataset

from labkit.timing.clock import threads
from labkit.training import Run, checkpoint
from labkit.training.checkpoint import CheckpointError
from tests.training import same

EXAMPLES = TensorDataset(torch.arange(60.0).view(20, 3) / 60, torch.arange(20) % 2)


def _run(epochs=2, hidden=4, batch_size=4, optimizer=torch.optim.SGD):
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(3, hidden), nn.Dropout(0.5), nn.Linear(hidden, 2))
    return Run(
        model,
        DataLoader(EXAMPLES, batch_size, shuffle=True),
        DataLoader(EXAMPLES, 20),
        optimizer(model.parameters(), lr=0.1),
        epochs=epochs,
    )


@pytest.fixture
def saved(tmp_path):
    """Two checkpoints of one run: after three steps, and (under the final name) after seven."""
    run = _run()
    for step in range(7):
        if step == 3:
            checkpoint.save(tmp_path / "net.pt", run.model, run=run)
        run.advance()
    return checkpoint.save(tmp_path / "net.pt", run.model, run=run)


def test_weights_classes_and_source_come_back(tmp_path):
    model = nn.Linear(3, 2)
    path = checkpoint.save(tmp_path / "a" / "net.pt", model, classes=("cat", "dog"), source="drawn")
    read = checkpoint.load(path)
    assert same(read.restore(nn.Linear(3, 2)), model)
    assert (read.classes, read.source, read.run) == (["cat", "dog"], "drawn", None)
    assert read.versions["torch"] == torch.__version__


def test_torch_load_opens_a_checkpoint_too(saved):
    content = torch.load(saved, weights_only=True)
    assert set(content["model"]) == set(_run().model.state_dict())


PLANS = {
    "dropout": (torch.optim.SGD, lambda optimizer, epochs: None),
    "Adam": (torch.optim.Adam, lambda optimizer, epochs: lr_scheduler.StepLR(optimizer, 3)),
    "one cycle": (
        torch.optim.SGD,
        lambda optimizer, epochs: lr_scheduler.OneCycleLR(optimizer, 0.1, total_steps=5 * epochs),
    ),
}


def _planned(name, epochs=2):
    optimizer, plan = PLANS[name]
    run = _run(epochs, optimizer=optimizer)
    run.scheduler = plan(run.optimizer, epochs)
    return run


def _after_seven_steps(path, run):
    for _step in range(7):
        run.advance()
    return checkpoint.load(checkpoint.save(path, run.model, run=run))


@pytest.mark.parametrize("name", PLANS)
def test_a_resumed_run_ends_bit_for_bit_like_one_that_never_stopped(tmp_path, name):
    first, straight, resumed = (_planned(name) for _number in range(3))
    _after_seven_steps(tmp_path / "net.pt", first).resume(resumed)
    assert (resumed.epoch, resumed.step) == (1, 2)
    straight.finish()
    resumed.finish()
    assert same(straight.model, resumed.model)
    assert straight.history.running_loss == resumed.history.running_loss
    assert straight.history.validation_accuracy == resumed.history.validation_accuracy


def test_a_scheduler_goes_on_only_by_its_own_plan(tmp_path):
    found = _after_seven_steps(tmp_path / "net.pt", _planned("one cycle"))
    with pytest.raises(CheckpointError, match="plans is 10 there and 15 in"):
        found.resume(_planned("one cycle", epochs=3))


def test_a_finished_run_can_be_resumed_for_more_epochs(tmp_path):
    short, long, straight = _run(epochs=1), _run(epochs=3), _run(epochs=3)
    short.finish()
    path = checkpoint.save(tmp_path / "net.pt", short.model, run=short)
    checkpoint.load(path).resume(long).finish()
    straight.finish()
    assert same(long.model, straight.model)


def test_the_one_before_is_kept_and_nothing_else(saved):
    assert sorted(file.name for file in saved.parent.iterdir()) == ["net.previous.pt", "net.pt"]
    assert checkpoint.load(saved).run["step"] == 2
    assert checkpoint.load(checkpoint.previous(saved)).run["step"] == 3


def test_a_damaged_file_does_not_push_out_the_good_one_before_it(saved):
    saved.write_bytes(saved.read_bytes()[:100])
    checkpoint.save(saved, nn.Linear(1, 1))
    assert checkpoint.load(checkpoint.previous(saved)).run["step"] == 3


def test_what_a_killed_writer_left_is_swept_after_an_hour(saved):
    fresh, old = saved.with_name(".net.pt.fresh"), saved.with_name(".net.pt.old")
    fresh.touch()
    old.touch()
    os.utime(old, (time.time() - 4000,) * 2)
    checkpoint.save(saved, nn.Linear(1, 1))
    assert fresh.exists() and not old.exists()


def test_a_file_that_another_writer_finishes_with_meanwhile_is_left_to_it(saved, monkeypatch):
    gone = saved.with_name(".net.pt.gone")
    monkeypatch.setattr(type(saved), "glob", lambda _folder, _pattern: [gone])
    checkpoint.save(saved, nn.Linear(1, 1))
    assert checkpoint.load(saved).run is None


def test_a_full_disk_leaves_the_old_checkpoint_and_no_litter(saved, monkeypatch):
    before = saved.read_bytes()

    def full(_file):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(CheckpointError, match="No space left on device. Make room") as caught:
        checkpoint.save(saved, nn.Linear(1, 1))
    assert str(caught.value).endswith("The one saved before it is still good: net.pt.")
    assert saved.read_bytes() == before
    assert sorted(file.name for file in saved.parent.iterdir()) == ["net.previous.pt", "net.pt"]


def test_a_folder_that_cannot_be_made_is_said(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(CheckpointError, match="net.pt cannot be saved: .*Make room"):
        checkpoint.save(tmp_path / "file" / "net.pt", nn.Linear(1, 1))


def test_a_file_that_cannot_be_read_is_said_with_the_good_one(saved, monkeypatch):
    read = type(saved).open

    def locked(path, *mode):
        if path == saved:
            raise PermissionError(13, "Permission denied")
        return read(path, *mode)

    monkeypatch.setattr(type(saved), "open", locked)
    said = _refused(saved)
    assert "net.pt cannot be read: Permission denied." in said
    assert said.endswith("good: load net.previous.pt.")


def test_a_checkpoint_of_a_live_training_is_of_one_moment_between_two_steps(tmp_path, monkeypatch):
    held, run = [], _run()

    @contextmanager
    def lock():
        held.append(True)
        yield
        held.append(False)

    monkeypatch.setattr(checkpoint, "model_lock", lock())
    monkeypatch.setattr(torch, "save", lambda content, buffer: held.append(content["run"]["step"]))
    checkpoint.save(tmp_path / "net.pt", run.model, run=run)
    assert held == [True, 0, False]


def _refused(path):
    with pytest.raises(CheckpointError) as caught:
        checkpoint.load(path)
    return str(caught.value)


@pytest.mark.parametrize("kept", [10, 500, -90, -1])
def test_a_truncated_file_is_refused(saved, kept):
    saved.write_bytes(saved.read_bytes()[:kept])
    assert re.search("net.pt is (cut short|not a checkpoint)", _refused(saved))


def test_a_flipped_bit_is_refused_or_changes_nothing_that_is_read(saved):
    whole, weights = saved.read_bytes(), checkpoint.load(saved).model
    refused = 0
    for place in random.Random(0).sample(range(len(whole)), 400):
        data = bytearray(whole)
        data[place] ^= 1 << place % 8
        saved.write_bytes(bytes(data))
        try:
            found = checkpoint.load(saved).model
        except CheckpointError as error:
            assert re.search("net.pt (is (damaged|cut short|not a|a zip)|cannot)", str(error))
            refused += 1
        else:  # in the space between two parts
            assert all(torch.equal(found[name], weight) for name, weight in weights.items())
    assert refused > 200


STATE = nn.Linear(3, 2).state_dict()


@pytest.mark.parametrize(
    "content", [STATE, dict(STATE), {"state_dict": STATE, "epoch": 3}, {"model_state_dict": STATE}]
)
def test_weights_that_torch_save_wrote_elsewhere_are_welcome(tmp_path, content):
    torch.save(content, tmp_path / "plain.pt")
    found = checkpoint.load(tmp_path / "plain.pt")
    assert torch.equal(found.restore(nn.Linear(3, 2)).weight, STATE["weight"])
    assert (found.classes, found.run) == ([], None)
    with pytest.raises(CheckpointError, match=r"leave out the data set: checkpoint.load\(path\)"):
        found.restore(nn.Linear(3, 2), EXAMPLES)


class _Malice:
    def __reduce__(self):
        return os.system, ("touch malice",)


def _zipped(compression=zipfile.ZIP_STORED, **parts):
    def write(path):
        with zipfile.ZipFile(path, "w", compression) as archive:
            for name, content in parts.items():
                archive.writestr(f"archive/{name.replace('_', '.')}", content)

    return write


def _large(path):
    with open(path, "wb") as file:
        file.truncate(1 << 34)  # 16 GB of nothing: reading them would take a minute


def _saved(content):
    return lambda path: torch.save(content, path)


CODE = b"\x80\x02ctorch\nlitter\n."
NOT_OURS = {"model": 1, "history": None} | dict.fromkeys(
    ["classes", "source", "run", "recipe", "versions", "saved"]
)
REFUSED = {
    "missing": (lambda path: None, "There is no checkpoint .* Train again to make one.$"),
    "empty": (Path.touch, "file.pt is not a checkpoint"),
    "a page": (lambda path: path.write_text("<html>Log in</html>"), "file.pt is not a checkpoint"),
    "a pickle": (lambda path: path.write_bytes(b"\x80\x04not a zip"), "is not a checkpoint"),
    "16 GB": (_large, "file.pt is not a checkpoint"),
    "arrays": (_zipped(weight_npy=b""), "file.pt is a zip archive, but not"),
    "one that swells": (_zipped(zipfile.ZIP_DEFLATED, data_pkl=bytes(1 << 20)), "archive, but not"),
    "code, rightly summed": (
        _zipped(data_pkl=CODE, byteorder=b"little", version=b"3\n"),
        "was not opened",
    ),
    "malice": (_saved(_Malice()), "was not opened"),
    "malice inside": (_saved({"model": _Malice()}), "was not opened"),
    "TorchScript": (
        lambda path: torch.jit.script(nn.Linear(3, 2)).save(path),
        r"torch.save\(model.state_dict\(\), 'file.pt'\)",
    ),
    "a newer format": (_saved({"format": 2}), "has format 2, and this labkit reads 1"),
    "other things": (_saved({"weights": 1}), "holds no weights"),
    "a list": (_saved([1, 2]), "holds no weights"),
    "nothing": (_saved({}), "holds no weights"),
    "a tensor": (_saved(torch.zeros(3)), "holds no weights"),
    "our names": (_saved(NOT_OURS), "holds no weights"),
}


@pytest.mark.parametrize(("write", "said"), REFUSED.values(), ids=REFUSED)
def test_what_is_no_checkpoint_is_refused_in_words_and_not_run(tmp_path, monkeypatch, write, said):
    monkeypatch.chdir(tmp_path)
    write(tmp_path / "file.pt")
    assert re.search(said, _refused(tmp_path / "file.pt"))
    assert not (tmp_path / "malice").exists()


WRAPPED = {
    "DataParallel": nn.DataParallel,
    "torch.compile": torch.compile,
    "both": lambda model: torch.compile(nn.DataParallel(model)),
}


@pytest.mark.parametrize("wrap", WRAPPED.values(), ids=WRAPPED)
def test_a_wrapped_model_and_a_bare_one_share_their_weights(tmp_path, wrap):
    model = nn.Sequential(nn.Linear(3, 2))
    ours = checkpoint.save(tmp_path / "ours.pt", wrap(model))
    torch.save(wrap(model).state_dict(), tmp_path / "plain.pt")
    for path in (ours, tmp_path / "plain.pt"):
        assert same(checkpoint.load(path).restore(nn.Sequential(nn.Linear(3, 2))), model)
        assert same(checkpoint.load(path).restore(wrap(nn.Sequential(nn.Linear(3, 2)))), model)


def test_a_file_of_an_old_pytorch_says_the_line_that_converts_it(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    torch.save(STATE, "old.pt", _use_new_zipfile_serialization=False)
    said = _refused(tmp_path / "old.pt")
    exec(re.search(r"Convert it with: (.*\))\.", said)[1])
    assert checkpoint.load("old.pt").model.keys() == STATE.keys()


def test_a_whole_model_says_the_line_that_keeps_its_weights(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    torch.save(nn.Linear(3, 2), "whole.pt")
    said = _refused(tmp_path / "whole.pt")
    assert "was not opened" in said
    exec(re.search(r"to its weights: (.*\))\.", said)[1])
    assert checkpoint.load("whole.pt").model.keys() == STATE.keys()


def test_an_error_is_one_sentence_in_a_notebook(tmp_path):
    with pytest.raises(CheckpointError) as caught:
        checkpoint.load(tmp_path / "net.pt")
    assert caught.value._render_traceback_() == [f"CheckpointError: {caught.value}"]


def test_a_device_that_is_not_there_is_said(saved):
    with pytest.raises(CheckpointError, match="cannot be put on cuda:99 here.*Leave out device"):
        checkpoint.load(saved, device=torch.device("cuda", 99))


def test_the_good_one_that_is_left_is_named(saved):
    saved.unlink()
    assert _refused(saved).endswith("good: load net.previous.pt.")
    checkpoint.previous(saved).write_bytes(b"damaged too")
    assert _refused(saved).endswith("Train again to make one.")


def test_weights_of_another_shape_are_refused_and_none_is_copied(saved):
    other = _run(hidden=5)
    before = [weight.clone() for weight in other.model.parameters()]
    with pytest.raises(CheckpointError, match=r"0.weight is \[4, 3\] in the file and \[5, 3\]"):
        checkpoint.load(saved).restore(other.model)
    assert all(torch.equal(a, b) for a, b in zip(before, other.model.parameters(), strict=True))


def test_weights_of_another_model_are_refused(saved):
    with pytest.raises(CheckpointError, match="0.weight is only in the file"):
        checkpoint.load(saved).restore(nn.Linear(3, 4))


def _last_layer(parameters, lr):
    return torch.optim.SGD(list(parameters)[2:], lr=lr)


@pytest.mark.parametrize(
    ("other", "said"),
    [
        ({"batch_size": 5}, "number of batches is 5 there and 4 in"),
        ({"optimizer": torch.optim.Adam}, "optimizer is SGD there and Adam in"),
        ({"optimizer": _last_layer}, r"optimizer is \[4\] there and \[2\] in"),
    ],
)
def test_another_recipe_cannot_be_resumed_and_nothing_is_changed(saved, other, said):
    run = _run(**other)
    before = [weight.clone() for weight in run.model.parameters()]
    with pytest.raises(CheckpointError, match=said):
        checkpoint.load(saved).resume(run)
    assert all(torch.equal(a, b) for a, b in zip(before, run.model.parameters(), strict=True))


def test_weights_alone_cannot_be_resumed(tmp_path):
    run = _run()
    path = checkpoint.save(tmp_path / "net.pt", run.model)
    with pytest.raises(CheckpointError, match="nothing to resume"):
        checkpoint.load(path).resume(run)


def test_the_folder_is_the_one_that_the_environment_names(monkeypatch, tmp_path):
    monkeypatch.setenv("LABKIT_CHECKPOINTS", str(tmp_path))
    assert checkpoint.folder() == tmp_path
    monkeypatch.delenv("LABKIT_CHECKPOINTS")
    monkeypatch.chdir(tmp_path)
    assert str(checkpoint.folder()) == "checkpoints"


def test_a_saver_saves_at_the_end_of_every_second_epoch(tmp_path):
    run = _run(epochs=5)
    saver, seen = checkpoint.Saver(tmp_path / "net.pt", seconds=1e9, epochs=2), []

    def after_step(run):
        saver(run)
        if run.step == 0:
            seen.append(checkpoint.load(saver.path).run["epoch"] if saver.path.exists() else 0)

    run.finish(after_step)
    assert seen == [0, 2, 2, 4, 5]  # the end of the run is always saved


def test_a_saver_saves_when_its_time_is_up(tmp_path, monkeypatch):
    clock = iter([0.0, 10.0, 31.0, 31.0, 40.0])
    monkeypatch.setattr(checkpoint.time, "monotonic", lambda: next(clock))
    run, saver = _run(), checkpoint.Saver(tmp_path / "net.pt", seconds=30.0)
    for expected in (False, True):
        run.advance()
        saver(run)
        assert saver.path.exists() is expected
    saver.path.unlink()
    run.advance()
    saver(run)  # nine seconds after the last
    assert not saver.path.exists()


KILLED = """
import hashlib, os, sys, time, torch
torch.set_num_threads(1)
from torch.utils.data import DataLoader, TensorDataset
from labkit.training import checkpoint
from labkit.model import Net
from labkit.training import Run

torch.manual_seed(0)
images, labels = torch.randn(48, 3, 32, 32), torch.randint(0, 10, (48,))
data = TensorDataset(images, labels)
model = Net()
optimizer = torch.optim.SGD(model.parameters(), lr=0.01, momentum=0.9)
run = Run(model, DataLoader(data, 4, shuffle=True), DataLoader(data, 48), optimizer, epochs=20)
path, pause, between = sys.argv[1], float(sys.argv[2]), float(sys.argv[3])
if os.path.exists(path):
    checkpoint.load(path).resume(run)
print("begins at", run.epoch, run.step, flush=True)
saver = checkpoint.Saver(path, seconds=between)

def after_step(run):
    saver(run)
    print("step", run.steps_done, flush=True)
    time.sleep(pause)

run.finish(after_step)
weights = b"".join(weight.detach().numpy().tobytes() for weight in model.parameters())
print("weights", hashlib.sha256(weights).hexdigest())
"""


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="no kill -9 on this system")
def test_a_run_killed_with_kill_9_and_resumed_here_ends_bit_for_bit_the_same(
    tmp_path, monkeypatch, capsys
):
    script = tmp_path / "train.py"
    script.write_text(KILLED)

    def run_here(path):
        monkeypatch.setattr(sys, "argv", [script, path, "0", "1e9"])
        with threads(1):
            runpy.run_path(str(script))
        return capsys.readouterr().out

    command = [sys.executable, script, tmp_path / "killed.pt", "0.02", "0"]
    victim = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    for line in iter(victim.stdout.readline, ""):
        if line.startswith("step 16"):  # the fourth batch of the second epoch
            break
    time.sleep(0.03)  # into whatever it does then: train, write, sleep
    victim.kill()
    victim.wait()
    assert victim.returncode == -signal.SIGKILL
    left = checkpoint.load(tmp_path / "killed.pt").run
    assert (1, 4) <= (left["epoch"], left["step"]) < (20, 0)
    resumed, whole = run_here(tmp_path / "killed.pt"), run_here(tmp_path / "straight.pt")
    assert f"begins at {left['epoch']} {left['step']}" in resumed
    assert "begins at 0 0" in whole
    assert resumed.splitlines()[-1] == whole.splitlines()[-1]
    assert len(resumed.splitlines()[-1]) == len("weights ") + 2 * hashlib.sha256().digest_size


def test_weights_go_to_the_device_asked_for_and_the_run_stays_on_the_cpu(tmp_path):
    """Adam's counters must not follow: its next step refuses counters on a GPU."""
    run = _run(optimizer=torch.optim.Adam)
    run.advance()
    read = checkpoint.load(checkpoint.save(tmp_path / "a.pt", run.model, run=run), device="meta")
    assert {weight.device.type for weight in read.model.values()} == {"meta"}
    remembered = read.run["optimizer"]["state"].values()
    kept = [tensor for each in remembered for tensor in each.values()]
    assert {tensor.device.type for tensor in [*kept, *read.run["random"].values()]} == {"cpu"}
