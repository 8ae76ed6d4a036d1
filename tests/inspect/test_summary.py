import random
from dataclasses import replace

import numpy
import pytest
import torch
from torch import nn
from torch.nn import functional as F

from labkit.inspect import (
    Fault,
    first_filters,
    fixes,
    pixels_seen,
    recording,
    summary,
)
from labkit.model import Net
from labkit.text import speaking


class Functional(nn.Module):
    """The network with functional calls, a nested block and a method in place of layers."""

    def __init__(self, features: int = 400):
        super().__init__()
        self.block = nn.Sequential(nn.Conv2d(3, 6, 5), nn.BatchNorm2d(6), nn.ReLU())
        self.conv = nn.Conv2d(6, 16, 5)
        self.head = nn.Linear(features, 10)
        self.drop = nn.Dropout(0.5)

    def forward(self, x):
        x = F.max_pool2d(self.block(x), 2)
        x = F.max_pool2d(F.relu(self.conv(x)), 2, stride=2)
        return self.head(self.drop(x.view(x.size(0), -1)))


class Loose(Net):
    def forward(self, x):
        x = self.pool(torch.relu(self.conv1(x)))
        x = self.pool(torch.relu(self.conv2(x)))
        return self.fc3(torch.relu(self.fc2(torch.relu(self.fc1(x.view(-1, 400))))))


def test_the_rows_are_the_shapes_and_parameters_of_the_workshop_network():
    rows = summary(Net(), (4, 3, 32, 32)).rows
    layers = [(row.layer, row.shape, row.parameters) for row in rows if "relu()" not in row.layer]
    assert layers == [
        ("conv1", (4, 6, 28, 28), 456),
        ("pool", (4, 6, 14, 14), 0),
        ("conv2", (4, 16, 10, 10), 2416),
        ("pool 2", (4, 16, 5, 5), 0),
        ("flatten()", (4, 400), 0),
        ("fc1", (4, 120), 48_120),
        ("fc2", (4, 84), 10_164),
        ("fc3", (4, 10), 850),
    ]
    assert rows[0].why == "⌊(32 − 5) / 1⌋ + 1 = 28; 6 filters of 3 × 5 × 5 weights, a bias each"


def test_functional_calls_nested_blocks_and_views_have_rows_too():
    rows = summary(Functional(), (2, 3, 32, 32)).rows
    assert [row.layer for row in rows] == [
        *("block.0", "block.1", "block.2", "max_pool2d()"),
        *("conv", "relu()", "max_pool2d() 2", "view()", "drop", "head"),
    ]
    fourth = [row.layer for row in summary(Net(), (4, 3, 32, 32)).rows if "relu" in row.layer]
    assert fourth == ["relu()", "relu() 2", "relu() 3", "relu() 4"]
    assert rows[3].why == "⌊(28 − 2) / 2⌋ + 1 = 14"
    assert rows[7].why == "16 × 5 × 5 = 400"
    assert [row.kind for row in rows[2:5]] == ["ReLU", "function", "Conv2d"]
    with speaking("de"):
        assert summary(Functional(), (2, 3, 32, 32)).rows[3].kind == "Funktion"


def test_a_shared_layer_counts_its_parameters_once():
    class Twice(nn.Module):
        def __init__(self):
            super().__init__()
            self.layer = nn.Linear(4, 4)
            self.scale = nn.Parameter(torch.ones(4))
            self.forgotten = nn.Linear(2, 2)

        def forward(self, x):
            return self.layer(self.layer(x)) * self.scale

    shown = summary(Twice(), (1, 4))
    assert [row.parameters for row in shown.rows] == [20, 0, 4]
    assert shown.parameters == 30
    assert "2 parameters took no part" in shown.warnings[0]
    assert shown.warnings[0].endswith("forgotten.weight, forgotten.bias.")


@pytest.mark.parametrize("training", [True, False])
def test_the_model_and_the_random_numbers_stay_exactly_as_they_were(training):
    torch.manual_seed(3)
    model = Functional().train(training)
    model.drop.eval()
    model(torch.randn(4, 3, 32, 32)).sum().backward()
    state = {name: value.clone() for name, value in model.state_dict().items()}
    gradients = [parameter.grad.clone() for parameter in model.parameters()]
    modes = [module.training for module in model.modules()]
    numbers = torch.get_rng_state(), random.getstate(), numpy.random.get_state()[1].copy()

    summary(model, (4, 3, 32, 32))
    summary(model, (4, 3, 40, 40))  # breaks
    pixels_seen(model, (3, 32, 32), 0, (0, 0, 0))

    assert all(torch.equal(value, state[name]) for name, value in model.state_dict().items())
    kept = [parameter.grad for parameter in model.parameters()]
    assert all(map(torch.equal, kept, gradients))
    assert [module.training for module in model.modules()] == modes
    assert not any(m._forward_hooks or m._forward_pre_hooks for m in model.modules())
    assert torch.equal(torch.get_rng_state(), numbers[0]) and random.getstate() == numbers[1]
    assert (numpy.random.get_state()[1] == numbers[2]).all()


def test_what_a_forward_pass_notes_in_its_module_is_undone():
    class Counting(nn.Module):
        def __init__(self):
            super().__init__()
            self.calls = 0
            self.register_buffer("seen", torch.zeros(1))
            self.register_buffer("replaced", torch.zeros(1))

        def forward(self, x):
            self.calls += 1
            self.seen += 1
            self.replaced = self.replaced + 1
            return x + torch.rand(1) + random.random() + numpy.random.rand()

    model = Counting()
    summary(model, (1, 2))
    assert (model.calls, model.seen.item(), model.replaced.item()) == (0, 0, 0)


def test_hooks_of_the_learner_are_kept_and_a_lazy_layer_stays_lazy():
    model = nn.Sequential(nn.Flatten(), nn.LazyLinear(3))
    handle = model[0].register_forward_hook(lambda *args: None)
    assert summary(model, (2, 3, 4, 4)).parameters == 3 * 48 + 3
    assert nn.parameter.is_lazy(model[1].weight)
    assert list(model[0]._forward_hooks) == [handle.id]


class Own(nn.Module):
    """A module whose forward is a function of its two layers."""

    def __init__(self, run):
        super().__init__()
        self.conv1, self.conv2, self.run = nn.Conv2d(3, 6, 5), nn.Conv2d(6, 9, 3), run

    def forward(self, x):
        return self.run(self, x)


def test_a_forward_of_two_inputs_says_that_one_is_missing():
    class Two(nn.Module):
        def forward(self, x, mask, scale=1):
            return x * mask * scale

    fault = summary(Two(), (1, 3, 8, 8)).fault
    assert (fault.layer, fault.expected) == ("Two", "2 inputs: x, mask")
    assert fault.change.startswith("feed mask, too")
    fault = summary(nn.Sequential(Two()), (1, 3, 8, 8)).fault
    assert (fault.layer, fault.change) == ("0 (Two)", "call it with mask, too")


def test_a_break_in_the_second_call_of_a_name_says_which():
    fault = summary(Own(lambda m, x: x.view(-1, 64).view(-1, 100)), (1, 3, 8, 8)).fault
    assert fault.layer == "view() 2"


def test_the_fix_that_is_named_fixs():
    model = Net()
    change = summary(model, (2, 3, 52, 52)).fault.change
    model.fc1 = eval(change.split("fc1 = ")[1], {"nn": nn})
    assert summary(model, (2, 3, 52, 52)).fault is None


class Misspelt(Own):
    def forward(self, x):
        x = self.conv1(x)
        return self.conv_2(x)


class Refusing(Own):
    def forward(self, x):
        x = self.conv1(x)
        if x.shape[-1] != 32:
            raise ValueError("I want 32")
        return x


def test_an_error_of_the_learners_own_line_is_told_with_the_line():
    fault = summary(Misspelt(None), (1, 3, 8, 8)).fault
    assert fault.layer == "Misspelt"
    assert fault.expected == "to get past its own line: return self.conv_2(x)"
    assert fault.change == "write self.conv2: there is no self.conv_2"
    fault = summary(nn.Sequential(Refusing(None)), (1, 3, 8, 8)).fault
    assert fault.layer == "0 (Refusing)" and fault.message == "ValueError: I want 32"
    assert "0.conv1 (Conv2d) gave [1, 6, 4, 4]" in fault.change
    assert "make self.pool in __init__" in summary(Own(lambda m, x: m.pool(x)), (1, 3)).fault.change


@pytest.mark.parametrize(
    "run, got, change",
    [
        (lambda m, x: m.conv2({"maps": m.conv1(x)}), "a dict of 'maps'", "x['maps']"),
        (lambda m, x: m.conv2((m.conv1(x), x)), "a tuple of 2", "x[0]"),
        (lambda m, x: m.conv2(print(end="")), "None", "end with return"),
        (lambda m, x: m.conv2("maps"), "an object of type str", "a tensor"),
    ],
)
def test_what_is_no_tensor_is_named(run, got, change):
    fault = summary(Own(run), (1, 3, 8, 8)).fault
    assert (fault.layer, fault.got, fault.expected) == ("conv2 (Conv2d)", got, "a tensor")
    assert change in fault.change and "\n" not in fault.message


def test_outputs_that_are_no_single_tensor_are_shown_and_none_is_a_warning():
    for run in (lambda m, x: {"maps": m.conv1(x)}, lambda m, x: (m.conv1(x), x)):
        shown = summary(Own(run), (1, 3, 8, 8))
        assert shown.fault is None and shown.rows[-1].shape == (1, 6, 4, 4)
    shown = summary(Own(lambda m, x: print(end="")), (1, 3, 8, 8))
    assert shown.fault is None and "returned None" in shown.warnings[0]


def test_a_view_that_changes_the_batch_in_silence_is_a_warning():
    shown = summary(Loose(), (4, 3, 52, 52))
    assert shown.fault is None and shown.rows[-1].shape == (16, 10)
    assert "4 images went in and 16 rows came out: view()" in shown.warnings[0]


class TimeFirst(nn.Module):
    def __init__(self):
        super().__init__()
        self.lstm = nn.LSTM(9, 8)

    def forward(self, x):
        return self.lstm(x)[0][-1]


def test_a_recurrent_layer_that_takes_the_batch_for_time_is_a_warning():
    shown = summary(TimeFirst(), (10, 128, 9))
    assert shown.rows[-1].shape == (128, 8)
    assert "10 sequences went in and 128 rows came out: lstm" in shown.warnings[0]
    assert not summary(TimeFirst(), (10, 10, 9)).warnings  # nobody can tell
    model = TimeFirst()
    model.lstm = nn.LSTM(9, 8, batch_first=True)
    assert "out[:, -1] is the last step of each" in summary(model, (16, 70, 9)).warnings[0]


def test_a_channel_axis_that_is_kept_is_a_warning():
    for flatten, said in ((2, True), (1, False)):
        shown = summary(nn.Sequential(nn.Flatten(flatten), nn.Linear(784, 10)), (6, 1, 28, 28))
        assert any("Flatten from axis 1" in note for note in shown.warnings) == said


def test_numbers_that_meet_all_others_are_a_warning():
    first, second = (nn.Linear(12, 1) for _ in range(2))
    crossing = Own(lambda m, x: first(x) + second(x).squeeze(1))
    assert "From [6, 1] and [6], add() made [6, 6]" in summary(crossing, (6, 12)).warnings[0]
    fitting = Own(lambda m, x: first(x).squeeze(1) + second(x).squeeze(1))
    assert "made" not in " ".join(summary(fitting, (6, 12)).warnings)


@pytest.mark.parametrize("side", [28, 32])
def test_an_autoencoder_that_gives_back_less_is_told_the_padding(side):
    layers = [nn.Conv2d(1, 8, 3, 2, 1), nn.ReLU(), nn.ConvTranspose2d(8, 1, 3, 2, 1)]
    shown = summary(nn.Sequential(*layers), (2, 1, side, side))
    assert shown.rows[-1].shape[2] == side - 1 and "set output_padding=1" in shown.warnings[0]
    layers[2] = nn.ConvTranspose2d(8, 1, 3, 2, 1, output_padding=1)
    assert not summary(nn.Sequential(*layers), (2, 1, side, side)).warnings
    assert summary(Net(), (4, 3, 32, 32)).warnings == ()


def test_the_filters_are_a_copy_of_the_first_weights():
    model = Net()
    filters = first_filters(model)
    assert filters.shape == (6, 3, 5, 5) and (filters == model.conv1.weight.detach().numpy()).all()
    filters[:] = 0
    assert model.conv1.weight.abs().sum() > 0
    with pytest.raises(ValueError, match="Linear has no nn.Conv2d"):
        first_filters(nn.Linear(2, 2))


def test_the_pixels_seen_are_those_with_a_gradient():
    for row, column in [(0, 0), (2, 3), (4, 4)]:
        image = torch.zeros(1, 3, 32, 32, requires_grad=True)
        maps = image
        for kernel, stride in [(5, 1), (2, 2), (5, 1), (2, 2)]:  # ones: no gradient is lost
            weight = torch.ones(1, maps.shape[1], kernel, kernel)
            maps = nn.functional.conv2d(maps, weight, stride=stride)
        maps[0, 0, row, column].backward()
        seen = image.grad[0, 0].nonzero()
        rows, columns = pixels_seen(Net(), (3, 32, 32), 5, (0, row, column))
        assert [rows[0], columns[0]] == seen.min(0).values.tolist()
        assert [rows[-1], columns[-1]] == seen.max(0).values.tolist()


def test_the_pixels_seen_are_exact_for_small_kernels_with_padding():
    model = nn.Sequential(nn.Conv2d(3, 4, 3, padding=1), nn.ReLU(), nn.Conv2d(4, 4, 3, padding=1))
    assert pixels_seen(model, (3, 16, 20), 2, (1, 0, 10)) == (range(0, 3), range(8, 13))


def test_a_unit_after_flattening_sees_the_whole_image():
    assert pixels_seen(Net(), (3, 32, 32), 7, (0,)) == (range(0, 32), range(0, 32))
    with pytest.raises(ValueError, match="has no unit"):
        pixels_seen(Net(), (3, 32, 32), 0, (6, 0, 0))


def test_a_model_of_torchvision_is_read_to_the_last_parameter():
    torchvision = pytest.importorskip("torchvision")
    shown = summary(torchvision.models.resnet18(), (1, 3, 64, 64))
    assert shown.fault is None and shown.rows[-1].shape == (1, 1000)
    assert sum(row.parameters for row in shown.rows) == shown.parameters == 11_689_512


def test_a_layer_is_one_row_whatever_it_does_inside():
    torch.manual_seed(0)
    model = nn.Sequential(
        nn.utils.parametrizations.spectral_norm(nn.Conv2d(3, 4, 3)),
        nn.utils.spectral_norm(nn.Conv2d(4, 2, 3)),
    )
    before = {name: value.clone() for name, value in model.state_dict().items()}
    shown = summary(model, (1, 3, 8, 8))
    first_filters(model)
    assert [(row.layer, row.parameters) for row in shown.rows] == [("0", 112), ("1", 74)]
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())


def test_the_fix_of_a_nested_layer_says_where_it_hangs():
    model = nn.Sequential(nn.Sequential(nn.Conv2d(3, 6, 5), nn.Conv2d(7, 8, 3)))
    assert "model[0][1] = nn.Conv2d(6, 8, " in summary(model, (1, 3, 8, 8)).fault.change
    assert "model = nn.Linear(7, 4)" in summary(nn.Linear(3, 4), (7,)).fault.change


def test_a_single_image_without_a_batch_is_no_mixed_batch():
    assert summary(nn.Conv2d(3, 4, 3), (3, 9, 9)).warnings == ()


class Forgetful(nn.Module):
    def __init__(self, sides):
        self.sides = sides


@pytest.mark.parametrize("place", [lambda part: part, lambda part: nn.Sequential(nn.ReLU(), part)])
def test_a_part_that_forgot_its_init_is_named_wherever_it_lies(place):
    with pytest.raises(ValueError, match="first line of __init__ in Forgetful"):
        summary(place(Forgetful((1,))), torch.rand(1, 3, 8, 8))


@pytest.mark.filterwarnings("ignore:.torch.jit.script")
def test_a_model_that_cannot_be_read_or_copied_is_refused_in_words():
    compiled = torch.jit.script(nn.Sequential(nn.ReLU()))
    with pytest.raises(ValueError, match="torch.jit has compiled this model"):
        summary(compiled, (1, 3))
    model = nn.Sequential(nn.Conv2d(3, 4, 3))
    model.computed = model[0].weight * 2
    with pytest.raises(ValueError, match="cannot be copied"):
        pixels_seen(model, (3, 8, 8), 0, (0, 0, 0))


def test_models_that_others_have_wrapped_or_written_are_read():
    plain = nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU())
    for model in (torch.fx.symbolic_trace(plain), nn.DataParallel(plain)):
        shown = summary(model, (1, 3, 8, 8))
        assert shown.fault is None and len(shown.rows) == 2
    assert summary(nn.Linear(3, 2, device="meta"), (1, 3)).rows[0].shape == (1, 2)
    assert summary(nn.BatchNorm2d(3, device="meta"), (1, 3, 8, 8)).fault is None
    for model, size in ((nn.Linear, (1, 3)), (nn.ReLU(), None), (nn.ReLU(), (1.0, 3))):
        with pytest.raises(ValueError, match="nn.Module|whole numbers"):
            summary(model, size)


def test_an_error_of_our_own_watching_is_raised_and_never_told_as_the_learners(monkeypatch):
    monkeypatch.setattr(recording, "numbered", lambda *_: 1 / 0)
    for model in (nn.ReLU(), Own(lambda m, x: x + 1)):
        with pytest.raises(ZeroDivisionError):
            summary(model, (1, 3))


def test_a_fix_that_does_not_carry_the_pass_further_is_not_told(monkeypatch):
    model = Own(lambda m, x: m.conv2(m.conv1(x)))
    model.conv2 = nn.Conv2d(7, 9, 3)
    assert "in_channels=6" in summary(model, (1, 3, 9, 9)).fault.change
    monkeypatch.setattr(fixes, "reach", lambda *_: 0)
    assert "conv1 (Conv2d) gave [1, 6, 5, 5]" in summary(model, (1, 3, 9, 9)).fault.change


def test_the_model_is_as_it_was_after_its_fixes_were_tried():
    model = nn.Sequential(nn.Conv2d(3, 7, 3), nn.BatchNorm2d(8), nn.Conv2d(8, 8, 3))
    layers, state = list(model), {k: v.clone() for k, v in model.state_dict().items()}
    assert "out_channels=8" in summary(model, (1, 3, 8, 8)).fault.change
    assert all(a is b for a, b in zip(model, layers, strict=True)) and model.training
    assert all(torch.equal(value, state[name]) for name, value in model.state_dict().items())


def test_a_notebook_shows_a_table_with_the_fault_and_escapes_it():
    text = summary(Net(), (4, 3, 32, 32))._repr_html_()
    for cell in ("conv1", "Conv2d", "[4, 6, 28, 28]", "456", "62,006 parameters in all"):
        assert cell in text
    assert text.count('scope="col"') == 5 and "note" not in text
    broken = summary(nn.Sequential(nn.Linear(2, 3), nn.Linear(4, 5)), (1, 2))
    message = Fault("a<b", "[1]", "x", "y", "z")
    shown = replace(broken, fault=message)._repr_html_()
    assert "a&lt;b got [1].</div><div>It expected x." in shown


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no CUDA device here")
def test_a_model_on_a_gpu_is_read_there_and_its_random_state_kept():
    model = Functional().cuda()
    state = torch.cuda.get_rng_state()
    shown = summary(model, (2, 3, 32, 32))
    assert shown.fault is None and shown.rows[-1].shape == (2, 10)
    assert pixels_seen(model, (3, 32, 32), 0, (0, 0, 0)) == (range(0, 5), range(0, 5))
    assert "x.to('cuda:0')" in summary(model, torch.zeros(1, 3, 32, 32)).fault.change
    assert torch.equal(torch.cuda.get_rng_state(), state)
    assert next(model.parameters()).is_cuda
