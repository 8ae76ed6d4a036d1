"""The figures of training say in words what they show, computed from the numbers."""

from labkit.plots import curves as figures


def test_a_loss_curve_says_how_far_both_losses_fell():
    plot = figures.loss_curve([0.5, 1.0, 2.0], [2.3, 1.9, 1.4], [1.8, 1.5])
    assert "goes from 2.30 to 1.40" in plot.alt
    assert "1.50 after epoch 2, the lowest so far" in plot.alt
    assert plot.png().startswith(b"\x89PNG")


def test_a_validation_loss_that_rises_again_is_said():
    plot = figures.loss_curve([1, 2, 3], [2, 1, 0.1], [1.8, 1.5, 2.5])
    assert "2.50 after epoch 3; it was lowest after epoch 2, 1.50, and has risen" in plot.alt


def test_the_curves_are_at_the_epochs_given():
    plot = figures.loss_curve([0.25, 0.5], [2.3, 1.9], [1.8], resumed_at=0.25)
    line, training, validation, ring = plot.axes[0].lines
    assert training.get_xdata().tolist() == [0.25, 0.5]
    assert training.get_ydata().tolist() == [2.3, 1.9]
    assert list(validation.get_xdata()) == [1]
    assert (list(ring.get_xdata()), list(ring.get_ydata())) == ([1], [1.8])
    assert "resumed after 0.25 epochs" in plot.alt
    assert list(line.get_xdata()) == [0.25, 0.25]


def test_nothing_trained_yet_is_a_plot_too():
    assert figures.loss_curve([], [], []).alt == "Nothing is trained yet."


def test_trainings_side_by_side_say_where_each_is_lowest_and_share_one_scale():
    runs = {"few": (300, [1.9, 1.0, 0.1], [2.0, 1.5, 3.0]), "many": (900, [1.3], [1.2])}
    plot = figures.side_by_side(runs)
    assert "few: training loss 0.10 at the end; validation loss lowest after 600" in plot.alt
    assert "many: training loss 1.30 at the end; validation loss lowest after 900" in plot.alt
    left, right = plot.axes[:2]
    assert left.get_ylim() == right.get_ylim() and left.get_xlim() == right.get_xlim()
    grey, training, validation, ring = right.lines
    assert list(grey.get_xdata()) == [300, 600, 900]
    assert (list(training.get_xdata()), list(validation.get_ydata())) == ([900], [1.2])
    assert plot.png()


def test_one_point_is_a_dot_and_a_beginning():
    plot = figures.loss_curve([0.25], [2.3], [])
    line = plot.axes[0].lines[0]
    assert (line.get_marker(), line.get_xydata().tolist()) == ("o", [[0.25, 2.3]])
    assert plot.alt == "The running training loss begins at 2.30."


def test_a_loss_that_runs_away_is_said_in_short():
    plot = figures.loss_curve([0.25, 0.5, 0.75], [2.3, 1.8, 4.4e29], [])
    assert plot.alt == "The running training loss goes from 2.30 to 4.4e+29."
