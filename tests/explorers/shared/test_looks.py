"""The parts that explorers share, set from Python as a browser would set them."""

import pytest

from labkit.explorers.shared.looks import SHEET, Explorer, Slider, reporting


class Halver(Explorer):
    """Shows the half of a number; 13 is beyond it."""

    def __init__(self):
        self.number = Slider(label="Number", maximum=20)
        super().__init__(self.number)
        self.number.observe(self.redraw, "value")
        self.redraw()

    @reporting
    def redraw(self, change=None):
        if self.number.value == 13:
            raise ValueError("13 brings bad luck: choose another number.")
        self.screen.show(b"png", f"Half of it is {self.number.value / 2}.")


def test_a_moved_slider_redraws_picture_and_sentence():
    explorer = Halver()
    explorer.number.value = 8
    assert explorer.screen.sentence == "Half of it is 4.0."
    assert explorer.screen.revision == 2


def test_a_mistake_of_the_learners_is_said_and_the_widget_goes_on():
    explorer = Halver()
    explorer.number.value = 13
    assert "13 brings bad luck" in explorer.message.value
    explorer.number.value = 4
    assert explorer.message.value == ""
    assert explorer.screen.sentence == "Half of it is 2.0."


def test_what_a_method_says_outlives_the_method_that_called_it():
    class Doubler(Halver):
        @reporting
        def double(self):
            self.number.value *= 2

    explorer = Doubler()
    explorer.number.value = 6.5
    explorer.double()
    assert "13 brings bad luck" in explorer.message.value


def test_a_fault_of_ours_is_said_and_still_fails_nbval():
    explorer = Halver()
    explorer.screen.show = None
    with pytest.raises(TypeError):
        explorer.number.value = 4
    assert "This did not work" in explorer.message.value


def test_a_slider_stays_within_its_limits():
    slider = Slider(label="Number", minimum=2, maximum=5, value=3)
    slider.value = 99
    assert slider.value == 5


def test_a_slider_over_words_has_one_position_for_each():
    slider = Slider.of("Learning rate", ["0.001", "0.01", "0.1"], value=1)
    assert (slider.minimum, slider.maximum, slider.texts[slider.value]) == (0, 2, "0.01")


def test_a_reader_without_a_kernel_gets_a_picture_and_the_sentence():
    explorer = Halver()
    bundle = explorer._repr_mimebundle_()
    assert 'alt="Half of it is 0.0."' in bundle["text/html"]
    assert bundle["text/plain"] == "Half of it is 0.0."
    assert "application/vnd.jupyter.widget-view+json" in bundle


def test_every_widget_brings_the_same_sheet_with_the_rules_of_all_explorers():
    assert SHEET.count(".lk-complaint {") == 1
    for rule in (".lk-values p {", ".lk-bars caption {", ".lk-stack {", ".lk-numbers {"):
        assert SHEET.count(f"\n{rule}") == 1  # once, but for narrow places
