import random
import re

import numpy
import pytest
import torch
from torch import nn
from torch.nn import functional as F

from labkit.inspect import feature_maps, first_filters, layer_table, pixels_seen, trace
from labkit.inspect.shapes import Window, seen_by
from labkit.model import Net


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
    rows = layer_table(Net(), (4, 3, 32, 32))
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
    rows = layer_table(Functional(), (2, 3, 32, 32))
    assert [row.layer for row in rows] == [
        *("block.0", "block.1", "block.2", "max_pool2d()"),
        *("conv", "relu()", "max_pool2d() 2", "view()", "drop", "head"),
    ]
    fourth = [row.layer for row in layer_table(Net(), (4, 3, 32, 32)) if "relu" in row.layer]
    assert fourth == ["relu()", "relu() 2", "relu() 3", "relu() 4"]
    assert rows[3].why == "⌊(28 − 2) / 2⌋ + 1 = 14"
    assert rows[7].why == "16 × 5 × 5 = 400"


def test_a_shared_layer_counts_its_parameters_once():
    class Twice(nn.Module):
        def __init__(self):
            super().__init__()
            self.layer = nn.Linear(4, 4)
            self.scale = nn.Parameter(torch.ones(4))
            self.forgotten = nn.Linear(2, 2)

        def forward(self, x):
            return self.layer(self.layer(x)) * self.scale

    traced = trace(Twice(), (1, 4))
    assert [row.parameters for row in traced.rows] == [20, 0, 4]
    assert traced.parameters == 30
    assert traced.warnings == ("2 parameters took no part: forgotten.weight, forgotten.bias.",)


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

    trace(model, (4, 3, 32, 32))
    trace(model, (4, 3, 40, 40))  # breaks
    feature_maps(model, torch.zeros(3, 32, 32))
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
    trace(model, (1, 2))
    assert (model.calls, model.seen.item(), model.replaced.item()) == (0, 0, 0)


def test_hooks_of_the_learner_are_kept_and_a_lazy_layer_stays_lazy():
    model = nn.Sequential(nn.Flatten(), nn.LazyLinear(3))
    handle = model[0].register_forward_hook(lambda *args: None)
    assert trace(model, (2, 3, 4, 4)).parameters == 3 * 48 + 3
    assert nn.parameter.is_lazy(model[1].weight)
    assert list(model[0]._forward_hooks) == [handle.id]


MENDS = {
    "a larger picture": (
        *(Net(), (4, 3, 52, 52), "fc1 (Linear)"),
        *(
            "[4, 1600], 1600 numbers per image",
            "400 numbers",
            "set in_features=1600: self.fc1 = ",
        ),
    ),
    "no flatten": (
        *(
            nn.Sequential(nn.Conv2d(3, 4, 5), nn.Linear(4 * 28 * 28, 10)),
            (2, 3, 32, 32),
            "1 (Linear)",
        ),
        *("[2, 4, 28, 28]", "3136 numbers", "put torch.flatten(x, 1) before it"),
    ),
    "the batch flattened too": (
        *(nn.Sequential(nn.Flatten(0), nn.Linear(12, 2)), (5, 3, 2, 2), "1 (Linear)"),
        *("[60], 12 numbers", "12 numbers", "torch.flatten(x, 1): without the 1"),
    ),
    "wrong channels": (
        *(nn.Sequential(nn.Conv2d(3, 6, 5), nn.Conv2d(8, 9, 3)), (1, 3, 8, 8), "1 (Conv2d)"),
        *(
            "[1, 6, 4, 4]",
            "[N, 8, height, width]",
            "set in_channels=6: model[1] = nn.Conv2d(6, 9, k",
        ),
    ),
    "channels last": (
        *(nn.Sequential(nn.Conv2d(3, 6, 5)), (1, 32, 32, 3), "0 (Conv2d)"),
        *("[1, 32, 32, 3]", "[N, 3, height, width]", "x.permute(0, 3, 1, 2)"),
    ),
    "flattened too early": (
        *(nn.Sequential(nn.Flatten(), nn.Conv2d(3, 6, 5)), (1, 3, 8, 8), "1 (Conv2d)"),
        *("[1, 192]", "[N, 3, height, width]", "before they are flattened"),
    ),
    "a map smaller than the kernel": (
        *(nn.Sequential(nn.Conv2d(3, 6, 5), nn.Conv2d(6, 6, 5)), (1, 3, 7, 7), "1 (Conv2d)"),
        *("maps of 3 x 3", "at least 5 pixels", "padding=1"),
    ),
    "a map smaller than the pooling": (
        *(nn.Sequential(nn.Conv2d(3, 6, 5), nn.MaxPool2d(4)), (1, 3, 7, 7), "1 (MaxPool2d)"),
        *("maps of 3 x 3", "at least 4 pixels", "leave this pooling out"),
    ),
    "wrong batch normalisation": (
        *(nn.Sequential(nn.Conv2d(3, 6, 5), nn.BatchNorm2d(8)), (1, 3, 8, 8), "1 (BatchNorm2d)"),
        *("[1, 6, 4, 4]", "8 channels", "num_features=6: model[1] = nn.BatchNorm2d(6, "),
    ),
    "one picture without a batch": (
        *(nn.Sequential(nn.Conv2d(3, 8, 3), nn.Flatten(), nn.Linear(8 * 36, 9)), (3, 8, 8)),
        *("2 (Linear)", "[8, 36], 288 numbers", "288 numbers", "a batch, also of one image"),
    ),
    "channels that the groups do not divide": (
        *(nn.Sequential(nn.Conv2d(4, 8, 3, groups=2)), (1, 3, 8, 8), "0 (Conv2d)"),
        *("[1, 3, 8, 8]", "[N, 4, height, width]", "model[0] = nn.Conv2d(3, 8, k"),
    ),
    "a transposed convolution": (
        *(nn.Sequential(nn.ConvTranspose2d(8, 3, 2)), (1, 3, 8, 8), "0 (ConvTranspose2d)"),
        *("[1, 3, 8, 8]", "8 channels", "set in_channels=3: model[0] = nn.ConvTranspose2d(3, 3, k"),
    ),
    "a view that does not fit": (
        *(Loose(), (4, 3, 36, 36), "view()"),
        *("[4, 16, 6, 6], 2304 numbers", "a multiple of 400", "in_features=576"),
    ),
}


@pytest.mark.parametrize("case", MENDS)
def test_a_break_names_the_layer_what_it_got_what_it_expected_and_the_mend(case):
    model, shape, layer, got, expected, change = MENDS[case]
    fault = trace(model, shape).fault
    assert fault.layer == layer
    assert got in fault.got and expected in fault.expected and change in fault.change
    assert fault.message.startswith("RuntimeError: ")


class Own(nn.Module):
    """A module whose forward is a function of its two layers."""

    def __init__(self, run):
        super().__init__()
        self.conv1, self.conv2, self.run = nn.Conv2d(3, 6, 5), nn.Conv2d(6, 9, 3), run

    def forward(self, x):
        return self.run(self, x)


class Both(nn.Module):
    """Feeds a picture twice: to a layer of two inputs, or thrice to one of three."""

    def __init__(self, layer, times=2):
        super().__init__()
        self.layer, self.times = layer, times

    def forward(self, x):
        return self.layer(*[x.flatten(2).transpose(1, 2)] * self.times)


OTHER_LAYERS = {
    "layer normalisation": (nn.LayerNorm([3, 6, 6]), (2, 3, 8, 8)),
    "layer normalisation of the last axis": (nn.LayerNorm(6), (2, 3, 8)),
    "root-mean-square normalisation": (nn.RMSNorm(6), (2, 3, 8)),
    "group normalisation": (nn.GroupNorm(2, 6), (2, 4, 8, 8)),
    "groups that do not divide": (nn.GroupNorm(4, 8), (2, 6, 8, 8)),
    "batch normalisation": (nn.BatchNorm2d(6), (2, 3, 8, 8)),
    "batch normalisation of a vector": (nn.BatchNorm1d(8), (2, 8, 5, 5)),
    "instance normalisation": (nn.InstanceNorm2d(6, affine=True), (2, 3, 8, 8)),
    "a recurrent layer": (nn.GRU(6, 5, batch_first=True), (2, 3, 8)),
    "a cell": (nn.LSTMCell(6, 5), (2, 8)),
    "two inputs": (Both(nn.Bilinear(4, 3, 5)), (2, 3, 8, 8)),
    "attention": (Both(nn.MultiheadAttention(8, 4, batch_first=True), 3), (2, 6, 4, 4)),
}


@pytest.mark.parametrize("case", OTHER_LAYERS)
def test_the_mend_of_every_kind_of_layer_mends(case):
    layer, shape = OTHER_LAYERS[case]
    model = layer if isinstance(layer, Both) else nn.Sequential(layer)
    before = {name: value.clone() for name, value in model.state_dict().items()}
    fault = trace(model, shape).fault
    assert "something else" not in fault.expected
    assert all(torch.equal(model.state_dict()[name], value) for name, value in before.items())
    kind, arguments = re.search(r"nn\.(\w+)(\(.*?\))(?:,|$)", fault.change).groups()
    mended = eval(f"nn.{kind}{arguments}", {"nn": nn})
    assert isinstance(mended, type(getattr(layer, "layer", layer))) or kind == "BatchNorm2d"
    model = Both(mended, layer.times) if isinstance(layer, Both) else nn.Sequential(mended)
    assert trace(model, shape).fault is None


SENTENCES = {
    "channels in front": (
        *(nn.Sequential(nn.LayerNorm(3)), (2, 3, 8, 8)),
        *("3 numbers in its last axis", "x.permute(0, 2, 3, 1)"),
    ),
    "a picture for a recurrent layer": (
        *(nn.Sequential(nn.LSTM(8, 5)), (2, 3, 8, 8)),
        *("a sequence, and 8 numbers at each step (input_size=8)", "x.flatten(1, 2)"),
    ),
    "a picture for attention": (
        *(nn.Sequential(nn.TransformerEncoderLayer(8, 4)), (2, 6, 8, 8)),
        *("8 numbers at each place (d_model=8)", "model[0] = nn.TransformerEncoderLayer(d_model=6"),
    ),
    "a picture for a convolution in one dimension": (
        *(nn.Sequential(nn.Conv1d(3, 8, 3)), (2, 3, 8, 8)),
        *("a batch [N, 3, length]", "write nn.Conv2d"),
    ),
    "a product that wants its right side turned": (
        *(Own(lambda m, x: x[:, 0] @ x[:, 0, :5]), (2, 3, 8, 8)),
        *("as there are rows on the right, 5", ".transpose(-2, -1)"),
    ),
    "an einsum": (
        *(Own(lambda m, x: torch.einsum("nchw,cd->nd", x, torch.ones(4, 2))), (2, 3, 8, 8)),
        *("3 numbers for c in cd", "give cd a tensor of [3, 2]"),
    ),
    "what no rule knows": (
        *(Own(lambda m, x: x * x.item()), (2, 3, 8, 8)),
        *("something else, as the message says", "compare these shapes"),
    ),
}


@pytest.mark.parametrize("case", SENTENCES)
def test_other_breaks_are_told_with_what_was_expected_and_the_mend(case):
    model, shape, expected, change = SENTENCES[case]
    fault = trace(model, shape).fault
    assert expected in fault.expected and change in fault.change
    assert "type str" not in fault.got


def test_a_forward_of_two_inputs_says_that_one_is_missing():
    class Two(nn.Module):
        def forward(self, x, mask, scale=1):
            return x * mask * scale

    fault = trace(Two(), (1, 3, 8, 8)).fault
    assert (fault.layer, fault.expected) == ("Two", "2 inputs: x, mask")
    assert fault.change.startswith("give mask a default value")
    fault = trace(nn.Sequential(Two()), (1, 3, 8, 8)).fault
    assert (fault.layer, fault.change) == ("0 (Two)", "call it with mask, too")


def test_a_break_in_the_second_call_of_a_name_says_which():
    fault = trace(Own(lambda m, x: x.view(-1, 64).view(-1, 100)), (1, 3, 8, 8)).fault
    assert fault.layer == "view() 2"


def test_the_mend_that_is_named_mends():
    model = Net()
    change = trace(model, (2, 3, 52, 52)).fault.change
    model.fc1 = eval(change.split("fc1 = ")[1], {"nn": nn})
    assert trace(model, (2, 3, 52, 52)).fault is None


def test_branches_that_do_not_agree_are_both_shown():
    class Residual(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv = nn.Conv2d(3, 8, 3, padding=1)

        def forward(self, x):
            return self.conv(x) + x

    fault = trace(Residual(), (1, 3, 8, 8)).fault
    assert fault.layer == "add()"
    assert fault.got == "[1, 8, 8, 8] and [1, 3, 8, 8]"
    assert "nn.Conv2d(3, 8, 1)" in fault.change


def test_bytes_fed_to_a_float_layer_are_a_fault_with_the_conversion():
    fault = trace(Net(), torch.zeros(1, 3, 32, 32, dtype=torch.uint8)).fault
    assert (fault.layer, fault.got) == ("conv1 (Conv2d)", "numbers of type uint8")
    assert "x.to(torch.float32)" in fault.change


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
    fault = trace(Misspelt(None), (1, 3, 8, 8)).fault
    assert fault.layer == "Misspelt"
    assert fault.expected == "to get past its own line: return self.conv_2(x)"
    assert fault.change == "write self.conv2: there is no self.conv_2"
    fault = trace(nn.Sequential(Refusing(None)), (1, 3, 8, 8)).fault
    assert fault.layer == "0 (Refusing)" and fault.message == "ValueError: I want 32"
    assert "0.conv1 (Conv2d) gave [1, 6, 4, 4]" in fault.change
    assert "make self.pool in __init__" in trace(Own(lambda m, x: m.pool(x)), (1, 3)).fault.change


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
    fault = trace(Own(run), (1, 3, 8, 8)).fault
    assert (fault.layer, fault.got, fault.expected) == ("conv2 (Conv2d)", got, "a tensor")
    assert change in fault.change and "\n" not in fault.message


def test_outputs_that_are_no_single_tensor_are_traced_and_none_is_a_warning():
    for run in (lambda m, x: {"maps": m.conv1(x)}, lambda m, x: (m.conv1(x), x)):
        traced = trace(Own(run), (1, 3, 8, 8))
        assert traced.fault is None and traced.rows[-1].shape == (1, 6, 4, 4)
    traced = trace(Own(lambda m, x: print(end="")), (1, 3, 8, 8))
    assert traced.fault is None and "returned None" in traced.warnings[0]


def test_an_embedding_is_fed_whole_numbers():
    model = nn.Sequential(nn.Embedding(100, 16), nn.Flatten(), nn.Linear(128, 4))
    assert trace(model, (2, 8)).rows[-1].shape == (2, 4)
    fault = trace(model, torch.zeros(2, 8)).fault
    assert (fault.got, fault.expected) == ("numbers of type float32", "int64")
    fault = trace(model, torch.tensor([[3, 120]])).fault
    assert fault.got == "numbers from 3 to 120" and "nn.Embedding(121, 16)" in fault.change


def test_a_product_of_matrices_that_do_not_fit_is_told():
    fault = trace(Own(lambda m, x: x.flatten(1) @ torch.zeros(5, 10)), (4, 3)).fault
    assert fault.got == "[4, 3] and [5, 10]" and "the shape [3, 10]" in fault.change


def test_a_view_that_changes_the_batch_in_silence_is_a_warning():
    traced = trace(Loose(), (4, 3, 52, 52))
    assert traced.fault is None and traced.rows[-1].shape == (16, 10)
    assert "4 images went in and 16 rows came out: view()" in traced.warnings[0]
    assert trace(Net(), (4, 3, 32, 32)).warnings == ()


def test_a_table_of_a_broken_model_is_refused_in_words():
    with pytest.raises(ValueError, match="set in_features=1600"):
        layer_table(Net(), (1, 3, 52, 52))
    with pytest.raises(ValueError, match="whole numbers from 1 up"):
        trace(Net(), (0, 3, 32, 32))


def test_feature_maps_are_the_outputs_of_the_layers():
    model, picture = Net().eval(), torch.rand(3, 32, 32)
    maps = feature_maps(model, picture)
    with torch.no_grad():
        first = model.conv1(picture.unsqueeze(0))[0]
        logits = model(picture.unsqueeze(0))[0]
    assert torch.equal(torch.from_numpy(maps[0].values), first)
    assert torch.equal(torch.from_numpy(maps[-1].values), logits)


def test_maps_are_copies_even_where_a_layer_works_in_place():
    model = nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(inplace=True))
    before, after = feature_maps(model, torch.randn(3, 8, 8))
    assert before.values.min() < 0 <= after.values.min()


def test_the_filters_are_a_copy_of_the_first_weights():
    model = Net()
    filters = first_filters(model)
    assert filters.shape == (6, 3, 5, 5) and (filters == model.conv1.weight.detach().numpy()).all()
    filters[:] = 0
    assert model.conv1.weight.abs().sum() > 0
    with pytest.raises(ValueError, match="Linear has no nn.Conv2d"):
        first_filters(nn.Linear(2, 2))


def test_the_pixels_seen_agree_with_the_arithmetic():
    layers = [Window(5, out_channels=6), Window(2, 2), Window(5, out_channels=16), Window(2, 2)]
    for row, column in [(0, 0), (2, 3), (4, 4)]:
        rows, columns = pixels_seen(Net(), (3, 32, 32), 5, (0, row, column))
        assert tuple(rows) == seen_by(32, layers, row)
        assert tuple(columns) == seen_by(32, layers, column)


def test_the_pixels_seen_are_exact_for_small_kernels_with_padding():
    model = nn.Sequential(nn.Conv2d(3, 4, 3, padding=1), nn.ReLU(), nn.Conv2d(4, 4, 3, padding=1))
    assert pixels_seen(model, (3, 16, 20), 2, (1, 0, 10)) == (range(0, 3), range(8, 13))


def test_a_unit_after_flattening_sees_the_whole_picture():
    assert pixels_seen(Net(), (3, 32, 32), 7, (0,)) == (range(0, 32), range(0, 32))
    with pytest.raises(ValueError, match="has no unit"):
        pixels_seen(Net(), (3, 32, 32), 0, (6, 0, 0))


def test_a_model_of_torchvision_is_read_to_the_last_parameter():
    torchvision = pytest.importorskip("torchvision")
    traced = trace(torchvision.models.resnet18(), (1, 3, 64, 64))
    assert traced.fault is None and traced.rows[-1].shape == (1, 1000)
    assert sum(row.parameters for row in traced.rows) == traced.parameters == 11_689_512


def test_a_layer_is_one_row_whatever_it_does_inside():
    torch.manual_seed(0)
    model = nn.Sequential(
        nn.utils.parametrizations.spectral_norm(nn.Conv2d(3, 4, 3)),
        nn.utils.spectral_norm(nn.Conv2d(4, 2, 3)),
    )
    before = {name: value.clone() for name, value in model.state_dict().items()}
    traced = trace(model, (1, 3, 8, 8))
    first_filters(model)
    assert [(row.layer, row.parameters) for row in traced.rows] == [("0", 112), ("1", 74)]
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())


def test_the_mend_of_a_nested_layer_says_where_it_hangs():
    model = nn.Sequential(nn.Sequential(nn.Conv2d(3, 6, 5), nn.Conv2d(7, 8, 3)))
    assert "model[0][1] = nn.Conv2d(6, 8, " in trace(model, (1, 3, 8, 8)).fault.change
    assert "model = nn.Linear(in_features=7, " in trace(nn.Linear(3, 4), (7,)).fault.change


def test_a_single_picture_without_a_batch_is_no_mixed_batch():
    assert trace(nn.Conv2d(3, 4, 3), (3, 9, 9)).warnings == ()


@pytest.mark.filterwarnings("ignore:.torch.jit.script")
def test_a_model_that_cannot_be_read_or_copied_is_refused_in_words():
    compiled = torch.jit.script(nn.Sequential(nn.ReLU()))
    with pytest.raises(ValueError, match="torch.jit has compiled this model"):
        trace(compiled, (1, 3))
    model = nn.Sequential(nn.Conv2d(3, 4, 3))
    model.computed = model[0].weight * 2
    with pytest.raises(ValueError, match="cannot be copied"):
        pixels_seen(model, (3, 8, 8), 0, (0, 0, 0))


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no CUDA device here")
def test_a_model_on_a_gpu_is_read_there_and_its_random_state_kept():
    model = Functional().cuda()
    state = torch.cuda.get_rng_state()
    traced = trace(model, (2, 3, 32, 32))
    assert traced.fault is None and traced.rows[-1].shape == (2, 10)
    assert feature_maps(model, torch.zeros(3, 32, 32, device="cuda"))[0].values.shape == (6, 28, 28)
    assert pixels_seen(model, (3, 32, 32), 0, (0, 0, 0)) == (range(0, 5), range(0, 5))
    assert "x.to('cuda:0')" in trace(model, torch.zeros(1, 3, 32, 32)).fault.change
    assert torch.equal(torch.cuda.get_rng_state(), state)
    assert next(model.parameters()).is_cuda
