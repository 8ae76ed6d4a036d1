"""Choosing a device, moving a training to it, and running out of memory."""

import pytest
import torch
from torch import nn

from labkit import device as devices
from labkit.display import ExplainedError
from labkit.model import Net
from labkit.text import speaking

GPU = next((found.name for found in devices.available() if found.kind != "cpu"), None)
needs_gpu = pytest.mark.skipif(GPU is None, reason="no GPU on this machine")


@pytest.fixture(autouse=True)
def no_choice_in_the_environment(monkeypatch):
    monkeypatch.delenv("LABKIT_DEVICE", raising=False)


def test_the_cpu_is_always_there_and_first(no_gpu):
    (only,) = devices.available()
    assert only.name == only.kind == "cpu"
    assert only.memory > 10**8
    assert devices.choose() == torch.device("cpu")


def test_without_a_name_the_first_gpu_is_taken(two_cards):
    assert devices.choose() == torch.device("cuda", 0)
    assert devices.choose("gpu") == torch.device("cuda", 0)


def test_several_gpus_are_listed_by_name_and_memory(two_cards):
    assert [str(found) for found in devices.available()][1:] == [
        "cuda:0 (Card A, 8 GB)",
        "cuda:1 (Card B, 8 GB)",
    ]
    assert devices.describe("cuda:1") == "cuda:1 (Card B, 8 GB)"


def test_where_something_was_recorded_is_said_in_the_language():
    with speaking("pt_BR"):
        assert devices.recorded("cpu (A, B, 2 cores, 8 GB)") == "cpu (A, B, 2 núcleos, 8 GB)"
        assert devices.recorded("cuda:0 (Card, 8 GB)") == "cuda:0 (Card, 8 GB)"


@pytest.mark.parametrize(
    "name, expected",
    [
        ("cuda", "cuda:0"),
        ("CUDA:1", "cuda:1"),
        (" cpu ", "cpu"),
        (torch.device("cuda:1"), "cuda:1"),
    ],
)
def test_a_name_is_understood_and_its_number_filled_in(two_cards, name, expected):
    assert str(devices.choose(name)) == expected


def test_the_environment_chooses_and_an_argument_overrules_it(two_cards, monkeypatch):
    monkeypatch.setenv("LABKIT_DEVICE", "cuda:1")
    assert str(devices.choose()) == "cuda:1"
    assert str(devices.choose("cpu")) == "cpu"


@pytest.mark.parametrize("name", ["tpu", "cuda:2", "cuda:-1", "mps", "1"])
def test_a_device_that_does_not_exist_is_refused_with_those_that_do(two_cards, name):
    with pytest.raises(ExplainedError) as caught:
        devices.choose(name)
    assert str(caught.value) == (
        f"There is no device {name!r} on this machine; choose one of: cpu, cuda:0, cuda:1."
    )


def test_asking_for_a_gpu_where_there_is_none_is_refused(no_gpu):
    with pytest.raises(ExplainedError, match="no device 'gpu'.*choose one of: cpu\\."):
        devices.choose("gpu")


def test_every_missing_kind_has_a_reason_that_fits(no_gpu, monkeypatch):
    monkeypatch.setattr(torch.version, "cuda", None)
    monkeypatch.setattr(torch.version, "hip", None)
    monkeypatch.setattr("platform.system", lambda: "Linux")
    reasons = devices.missing()
    assert list(reasons) == ["cuda", "mps", "xpu"]
    assert "built without" in reasons["cuda"]
    assert "Only Apple" in reasons["mps"]

    monkeypatch.setattr(torch.version, "cuda", "13.0")
    monkeypatch.setattr("platform.system", lambda: "Darwin")
    assert "driver" in devices.missing()["cuda"]
    assert "newer" in devices.missing()["mps"]


def test_a_kind_that_is_there_is_not_reported_missing(two_cards):
    assert "cuda" not in devices.missing()


def test_the_cpu_needs_no_waiting_and_counts_no_peak():
    devices.reset_peak_memory("cpu")
    devices.synchronize("cpu")
    assert devices.peak_memory("cpu") is None


def three_steps(model, optimizer, where="cpu"):
    torch.manual_seed(0)
    for _step in range(3):
        images, labels = torch.randn(4, 3, 32, 32).to(where), torch.randint(10, (4,)).to(where)
        optimizer.zero_grad()
        nn.functional.cross_entropy(model(images), labels).backward()
        optimizer.step()


def training(make):
    torch.manual_seed(1)
    model = Net()
    return model, make(model.parameters())


def momentum(parameters):
    return torch.optim.SGD(parameters, lr=0.01, momentum=0.9)


def adam(parameters):
    return torch.optim.Adam(parameters, lr=0.001)


@pytest.mark.parametrize("make", [momentum, adam])
def test_what_the_optimizer_remembers_moves_with_the_model(make):
    model, optimizer = training(make)
    three_steps(model, optimizer)
    rate = optimizer.param_groups[0]["lr"]
    devices.move(model, optimizer, "meta")  # a device that every machine has
    in_charge = [p for group in optimizer.param_groups for p in group["params"]]
    assert all(a is b for a, b in zip(model.parameters(), in_charge, strict=True))
    assert {p.device.type for p in in_charge} == {"meta"}
    remembered = [
        value
        for state in optimizer.state.values()
        for key, value in state.items()
        if key != "step"  # Adam counts its steps on the CPU
    ]
    assert len(remembered) >= len(in_charge)
    assert {value.device.type for value in remembered} == {"meta"}
    assert set(optimizer.state) == set(in_charge)
    assert optimizer.param_groups[0]["lr"] == rate


def test_a_scheduler_keeps_working_after_a_move():
    model, optimizer = training(momentum)
    scheduler = torch.optim.lr_scheduler.StepLR(optimizer, step_size=1, gamma=0.5)
    three_steps(model, optimizer)
    devices.move(model, optimizer, "cpu")
    scheduler.step()
    assert optimizer.param_groups[0]["lr"] == pytest.approx(0.005)


def test_a_model_without_an_optimizer_can_be_moved():
    model = nn.Linear(3, 2)
    devices.move(model, None, "meta")
    assert model.weight.device.type == "meta"


def test_a_model_that_does_not_fit_is_brought_back(monkeypatch):
    class TooLarge(nn.Linear):
        def to(self, device):
            asked.append(str(device))
            if str(device) == "meta":
                self.bias.data = self.bias.data.double()  # half-way there
                raise torch.OutOfMemoryError("out of memory")
            return super().to(device)

    asked = []
    model = TooLarge(3, 2)
    with pytest.raises(torch.OutOfMemoryError):
        devices.move(model, momentum(model.parameters()), "meta")
    assert asked == ["meta", "cpu"]


@pytest.mark.parametrize(
    "error, expected",
    [
        (torch.OutOfMemoryError("CUDA out of memory. Tried to allocate"), True),
        (RuntimeError("MPS backend out of memory (MPS allocated: 1 GB)"), True),
        (RuntimeError("cuDNN error: CUDNN_STATUS_ALLOC_FAILED"), True),
        (RuntimeError("level_zero backend failed with UR_RESULT_ERROR_OUT_OF_RESOURCES"), True),
        (MemoryError(), True),
        (RuntimeError("mat1 and mat2 shapes cannot be multiplied"), False),
        (ValueError("out of memory"), False),
    ],
)
def test_running_out_of_memory_is_recognised(error, expected):
    assert devices.out_of_memory(error) is expected


def test_the_cpus_own_out_of_memory_error_is_recognised():
    with pytest.raises(RuntimeError) as caught:
        torch.empty(10**15)
    assert devices.out_of_memory(caught.value)


def test_running_out_of_memory_hands_over_to_a_smaller_batch(capsys):
    def work(batch):
        if batch > 100:
            raise torch.OutOfMemoryError("out of memory")
        return f"trained at {batch}"

    assert devices.with_smaller_batches(work, 256) == ("trained at 64", 64)
    told = capsys.readouterr().err
    assert "A batch of 256 does not fit; going on with 128." in told
    assert "A batch of 128 does not fit; going on with 64." in told


def test_a_network_too_large_for_any_batch_says_so():
    def work(batch):
        raise torch.OutOfMemoryError("out of memory")

    with pytest.raises(MemoryError, match="Even a batch of 1.*smaller network"):
        devices.with_smaller_batches(work, 4)


def test_any_other_error_passes_through():
    def work(batch):
        raise RuntimeError("shapes cannot be multiplied")

    with pytest.raises(RuntimeError, match="shapes"):
        devices.with_smaller_batches(work, 4)


@pytest.mark.parametrize("device", ["cpu", pytest.param(GPU, marks=[pytest.mark.gpu, needs_gpu])])
@pytest.mark.parametrize("make", [momentum, adam])
def test_a_training_moved_in_the_middle_ends_where_one_that_stayed_does(make, device):
    stayed, its_optimizer = training(make)
    for _move in range(3):
        three_steps(stayed, its_optimizer)

    model, optimizer = training(make)
    before = list(model.parameters())
    three_steps(model, optimizer)
    devices.move(model, optimizer, device)
    assert all(a is b for a, b in zip(before, model.parameters(), strict=True))
    assert {str(p.device) for p in model.parameters()} == {device}
    three_steps(model, optimizer, device)
    devices.move(model, optimizer, "cpu")
    three_steps(model, optimizer)
    for a, b in zip(stayed.parameters(), model.parameters(), strict=True):
        exact = {"rtol": 0, "atol": 0} if device == "cpu" else {"rtol": 1e-3, "atol": 1e-4}
        torch.testing.assert_close(a, b, **exact)


@pytest.mark.gpu
@needs_gpu
def test_the_chosen_gpu_equals_the_device_of_a_tensor_there():
    device = devices.choose("gpu")
    assert torch.zeros(1, device=device).device == device


@pytest.mark.parametrize("make", [momentum, adam])
def test_a_memory_of_the_optimizer_that_does_not_fit_brings_the_model_back(make, monkeypatch):
    model, optimizer = training(make)
    stayed, its_optimizer = training(make)
    three_steps(model, optimizer)
    three_steps(stayed, its_optimizer)
    real, tries = optimizer.load_state_dict, []

    def load_state_dict(state):
        tries.append(state)
        if len(tries) == 1:
            raise torch.OutOfMemoryError("out of memory")
        real(state)

    monkeypatch.setattr(optimizer, "load_state_dict", load_state_dict)
    with pytest.raises(torch.OutOfMemoryError):
        devices.move(model, optimizer, "cpu")
    three_steps(model, optimizer)
    three_steps(stayed, its_optimizer)
    pairs = zip(model.parameters(), stayed.parameters(), strict=True)
    assert all(torch.equal(one, other) for one, other in pairs)
