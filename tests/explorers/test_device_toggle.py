"""The device toggle, pressed through its traits."""

import pytest
import torch
import traitlets

from labkit.device import available
from labkit.explorers.device_toggle import DeviceToggle
from labkit.model import Net
from labkit.training import Run
from labkit.training.live import LiveRun

GPU = next((found.name for found in available() if found.kind != "cpu"), None)
EACH_DEVICE = [
    "cpu",
    pytest.param(
        GPU,
        marks=[pytest.mark.gpu, pytest.mark.skipif(GPU is None, reason="no GPU on this machine")],
    ),
]


def buttons(toggle):
    return {button.description: button for button in toggle.children[0].children}


def pressed(toggle):
    return [name for name, button in buttons(toggle).items() if button.value]


def test_without_a_gpu_the_cpu_is_pressed_and_the_others_cannot_be(no_gpu):
    toggle = DeviceToggle()
    assert toggle.device == torch.device("cpu")
    assert pressed(toggle) == ["cpu"]
    assert {name for name, b in buttons(toggle).items() if b.disabled} == {"cuda", "mps", "xpu"}


def test_the_reason_why_a_device_is_missing_is_text_that_can_be_unfolded(no_gpu):
    words = DeviceToggle().children[1].value
    assert words.startswith("<details><summary>Why are some buttons grey?</summary>")
    for kind in ("cuda", "mps", "xpu"):
        assert f"<b>{kind}</b>: " in words
    assert "built without" in words or "no NVIDIA or AMD GPU" in words


def test_with_gpus_the_first_one_is_pressed_and_each_has_a_button(two_cards):
    toggle = DeviceToggle()
    assert list(buttons(toggle))[:3] == ["cpu", "cuda:0", "cuda:1"]
    assert pressed(toggle) == ["cuda:0"]
    assert "<b>cuda</b>" not in toggle.children[1].value


def test_pressing_a_button_changes_the_device_and_releases_the_other(two_cards):
    toggle = DeviceToggle("cpu")
    buttons(toggle)["cuda:1"].value = True
    assert toggle.device == torch.device("cuda", 1)
    assert pressed(toggle) == ["cuda:1"]
    assert toggle.screen.sentence == "The following cells compute on cuda:1 (Card B, 8 GB)."


def test_the_pressed_button_carries_a_tick_and_not_colour_alone(two_cards):
    toggle = DeviceToggle("cuda:1")
    assert {name: b.icon for name, b in buttons(toggle).items() if not b.disabled} == {
        "cpu": "",
        "cuda:0": "",
        "cuda:1": "check",
    }


def test_pressing_the_pressed_button_again_keeps_it_pressed(two_cards):
    toggle = DeviceToggle("cuda:1")
    buttons(toggle)["cuda:1"].value = False
    assert pressed(toggle) == ["cuda:1"]
    assert toggle.device == torch.device("cuda", 1)


def test_setting_the_device_from_a_cell_presses_its_button(two_cards):
    toggle = DeviceToggle("cpu")
    toggle.device = torch.device("cuda")
    assert pressed(toggle) == ["cuda:0"]
    assert toggle.device == torch.device("cuda", 0)


def test_whoever_observes_the_device_hears_each_change_once(two_cards):
    toggle = DeviceToggle("cpu")
    heard = []
    toggle.observe(lambda change: heard.append(str(change.new)), "device")
    buttons(toggle)["cuda:0"].value = True
    buttons(toggle)["cpu"].value = True
    assert heard == ["cuda:0", "cpu"]


def test_a_device_that_does_not_exist_is_refused(no_gpu):
    with pytest.raises(ValueError, match="There is no device 'cuda' on this machine"):
        DeviceToggle("cuda")
    toggle = DeviceToggle()
    with pytest.raises((ValueError, traitlets.TraitError)):
        toggle.device = torch.device("cuda", 0)
    assert toggle.device == torch.device("cpu")


def test_a_reader_without_a_kernel_reads_where_it_computes(no_gpu):
    toggle = DeviceToggle()
    bundle = toggle._repr_mimebundle_()
    data = bundle[0] if isinstance(bundle, tuple) else bundle
    assert data["text/plain"].startswith("The following cells compute on cpu (")
    assert "<img" not in data["text/html"]


def a_run():
    torch.manual_seed(0)
    model = Net()
    batches = [(torch.randn(4, 3, 32, 32), torch.randint(10, (4,))) for _batch in range(6)]
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01, momentum=0.9)
    return Run(model, batches, batches[:1], optimizer, epochs=2)


@pytest.mark.parametrize("device", EACH_DEVICE)
def test_a_live_training_that_follows_the_toggle_ends_where_one_that_stayed_does(device):
    stayed, moved = a_run(), a_run()
    stayed.finish()

    live, toggle, where = LiveRun(moved), DeviceToggle("cpu"), []
    live.after_step = lambda run: where.append(str(next(run.model.parameters()).device))
    toggle.observe(lambda change: live.to(change.new), "device")
    for name in ("cpu", device, "cpu", device):  # within an epoch, there and back
        buttons(toggle)[name].value = True
        for _step in range(3):
            live.step()
            live.wait(30)
    assert live.state == "finished", live.message
    assert where == ["cpu"] * 3 + [device] * 3 + ["cpu"] * 3 + [device] * 3
    for a, b in zip(stayed.model.parameters(), moved.model.parameters(), strict=True):
        torch.testing.assert_close(a, b.cpu(), rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("device", EACH_DEVICE)
def test_a_toggle_pressed_while_it_trains_moves_the_training_between_two_steps(device):
    live, toggle = LiveRun(a_run()), DeviceToggle("cpu")
    toggle.observe(lambda change: live.to(change.new), "device")

    def press(run):
        if run.steps_done == 4:
            buttons(toggle)[device].value = True

    live.after_step = press
    live.start()
    assert live.wait(60) == "finished", live.message
    assert {str(p.device) for p in live.run.model.parameters()} == {device}
