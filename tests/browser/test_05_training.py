"""Notebook 5 in a real browser: the network explorer, and the live panel while it trains."""

import re

import pytest

from tests.browser.fit import TestForAnybody  # noqa: F401
from tests.browser.kernel import execute, settle, value
from tests.browser.lab import drag, painted

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def notebook(open_notebook):
    return open_notebook("notebooks/05_training.ipynb", down_to="LiveTraining(run")


def wait_until(notebook, condition):
    for _try in range(1200):
        if condition():
            return True
        notebook.page.wait_for_timeout(100)
    return False


# The network explorer


@pytest.fixture
def network(notebook):
    return notebook.page.locator(".lk-network")


def slider(widget, name):
    return widget.get_by_role("slider", name=name, exact=True)


def step_to(notebook, network, snapshot):
    """Step by keys through the saved weights to one of them; return the word beside the slider."""
    weights = slider(network, "Weights")
    weights.focus()
    notebook.page.keyboard.press("Home")
    for _step in range(snapshot):
        notebook.page.keyboard.press("ArrowRight")
    name = value(notebook, f"snapshots[{snapshot}][0]")
    network.locator("output", has_text=re.compile(f"^{re.escape(name)}$")).wait_for()
    assert wait_until(notebook, lambda: value(notebook, "explorer.weights.value") == snapshot)
    return name


def filter_colour(notebook, snapshot, number):
    """Return the colour that the middle of a filter has in the weights that the loop kept."""
    return value(
        notebook,
        f"""(lambda states: [
            round(255 * min(max(w / (2 * max(s.abs().max().item() for s in states)) + 0.5, 0), 1))
            for w in states[{snapshot}][{number}, :, 2, 2].tolist()
        ])([state["conv1.weight"] for _, state in snapshots])""",
    )


def test_the_filters_form_as_the_saved_weights_say(notebook, network):
    last = value(notebook, "len(snapshots) - 1")
    shown = network.locator(".lk-filter").nth(1)
    for snapshot in (0, last // 2, last):
        step_to(notebook, network, snapshot)
        expected = filter_colour(notebook, snapshot, 1)
        painted(shown, (2, 2), expected)
    assert filter_colour(notebook, 0, 1) != filter_colour(notebook, last, 1)


def test_the_weights_near_by_are_shown_while_the_kernel_is_busy(notebook, network):
    step_to(notebook, network, 1)
    assert wait_until(notebook, lambda: 2 in value(notebook, "sorted(explorer._foreseen)"))
    expected = filter_colour(notebook, 2, 1)
    run = "import threading; busy = threading.Event(); busy.wait(60)"
    end = notebook.page.evaluate_handle(
        """code => window.jupyterapp.shell.currentWidget.sessionContext.session.kernel
          .requestExecute({ code, store_history: false })""",
        run,
    )
    notebook.page.keyboard.press("ArrowRight")
    painted(network.locator(".lk-filter").nth(1), (2, 2), expected)
    assert end.evaluate("future => !future.isDisposed")
    notebook.page.evaluate(
        "window.jupyterapp.shell.currentWidget.sessionContext.session.kernel.interrupt()"
    )
    settle(notebook)


# The live panel


@pytest.fixture
def panel(notebook):
    return notebook.page.locator(".lk-explorer:has(.lk-live-status)")


def button(notebook, icon):
    return notebook.page.locator(f"button.lk-live-{icon}")


def status(notebook):
    return notebook.page.locator(".lk-live-status").inner_text()


def says(notebook, text):
    """Wait until the status line says so."""
    return wait_until(notebook, lambda: text in status(notebook))


def steps(notebook):
    """Return how many batches the status line names, over all epochs; 0 before the first."""
    found = re.search(r"epoch (\d+) of \d+, batch ([\d,]+) of ([\d,]+)", status(notebook))
    if not found:
        return 0
    epoch, batch, per_epoch = (int(number.replace(",", "")) for number in found.groups())
    return (epoch - 1) * per_epoch + batch


def halt(notebook):
    """Let nothing run, whatever the test before left."""
    execute(notebook, "panel.live.pause(); panel.live.wait()")


def test_the_number_of_epochs_grows(notebook, panel):
    assert "Ready to start." in status(notebook) and value(notebook, "run.epochs") == 2
    epochs = panel.get_by_role("spinbutton")
    epochs.fill("900")  # so that it does not come to its end below, however quick the machine is
    epochs.press("Enter")
    assert wait_until(notebook, lambda: value(notebook, "run.epochs") == 900)


def test_start_shows_progress_and_pause_halts_it(notebook):
    before = steps(notebook)
    button(notebook, "play").click()
    assert wait_until(notebook, lambda: steps(notebook) > before + 5)
    button(notebook, "pause").click()
    assert says(notebook, "Paused")
    halted = steps(notebook)
    assert value(notebook, "run.steps_done") == halted
    notebook.page.wait_for_timeout(500)
    assert steps(notebook) == value(notebook, "run.steps_done") == halted
    assert wait_until(notebook, lambda: button(notebook, "pause").is_disabled())


def test_one_step_is_one_batch(notebook):
    before = steps(notebook)
    button(notebook, "step-forward").click()
    assert wait_until(notebook, lambda: steps(notebook) == before + 1)
    loss = value(notebook, "panel.live.progress().loss")
    assert f"running loss {loss:.3f}" in status(notebook)


def test_other_cells_work_meanwhile_and_a_second_start_changes_nothing(notebook):
    button(notebook, "play").click()
    assert says(notebook, "Training.")
    execute(notebook, "panel.live.start()")
    before = value(notebook, "run.steps_done")
    assert wait_until(notebook, lambda: value(notebook, "run.steps_done") > before)
    assert value(notebook, "[panel.live.state, 6 * 7]") == ["running", 42]
    halt(notebook)


def test_knobs_turn_by_keys_and_by_the_mouse(notebook, panel):
    slider(panel, "Learning rate").focus()
    notebook.page.keyboard.press("ArrowRight")
    drag(slider(panel, "Momentum"), 0.0)
    settle(notebook)
    assert value(notebook, "live_optimizer.param_groups[0]['momentum']") == 0
    slider(panel, "Momentum").press("ArrowRight")
    settle(notebook)
    group = value(notebook, "[live_optimizer.param_groups[0][k] for k in ('lr', 'momentum')]")
    assert group == [0.003, 0.5]


def test_an_epoch_ends_where_it_ends_and_is_validated(notebook, panel):
    for _time in range(2):  # to the end of the present one, and one more
        begun = value(notebook, "run.epoch")
        button(notebook, "fast-forward").click()
        assert wait_until(notebook, lambda begun=begun: value(notebook, "run.epoch") == begun + 1)
        assert says(notebook, "Paused")
    assert value(notebook, "run.step") == 0
    assert steps(notebook) == (begun + 1) * value(notebook, "len(run.train_batches)")
    execute(notebook, "from labkit.training import evaluate")
    accuracy = value(notebook, "evaluate(live_net, validation_loader).accuracy")
    panel.locator("p", has_text=f"Validation accuracy: {accuracy:.0%}.").wait_for()
