"""A guess is typed and compared, as a learner does."""

import pytest

from labkit.explorers.guess import Guess


def compared(guess, typed):
    """Type a guess, as Enter and leaving the field send it, and return what is said."""
    guess.field.value = typed
    return guess.screen.sentence


@pytest.mark.parametrize(
    ("answer", "within", "typed", "says"),
    [
        (12_288, 0, "12,288", "✓ 12,288, as you guessed."),
        (12_288, 0, " 3072 ", "It is 12,288. You guessed 3072."),
        (2.302, 0.1, "2.3", "✓ 2.3, as you guessed."),
        (2.302, 0.1, "2.25", "✓ It is 2.3. You guessed 2.25: close."),
        (12_288, 0, "12.288", "✓ 12,288, as you guessed."),
        (2.302, 0.1, "2,3", "✓ 2.3, as you guessed."),
        (4, 0, "4.4", "It is 4. You guessed 4.4."),
        (2.302, 0.1, "0.1", "It is 2.3. You guessed 0.1."),
        (-1, 0, "−1", "✓ -1, as you guessed."),
        (85, 10, "90 %", "✓ It is 85. You guessed 90 %: close."),
        ("fc1", 0, "FC1", "✓ fc1, as you guessed."),
        ("fc1", 0, "conv1", "It is fc1. You guessed conv1."),
        ("step()", 0, "`step`", "✓ step(), as you guessed."),
    ],
)
def test_a_guess_is_compared_with_the_answer(answer, within, typed, says):
    assert compared(Guess(answer, "Because.", within=within), typed) == f"{says} Because."


def test_the_button_does_what_enter_does():
    guess = Guess(4)
    guess.field.value = "5"
    guess.button.click()
    assert guess.screen.sentence == "It is 4. You guessed 5."


def test_nothing_is_given_away_before_there_is_a_guess():
    guess = Guess(4, "Because of that.")
    assert compared(guess, " ") == "" and "Type a guess first." in guess.message.value
    seen = [guess.field, guess.button, guess.message, guess.screen]
    assert all("Because" not in str(widget.get_state()) for widget in seen)


def test_what_is_no_number_is_said_and_the_answer_waits():
    guess = Guess(4)
    assert compared(guess, "<b>four") == ""
    assert "“&lt;b&gt;four” is not a number" in guess.message.value
    assert compared(guess, "4") == "✓ 4, as you guessed." and guess.message.value == ""


def test_an_answer_that_the_next_cell_computes_is_waited_for():
    later = {}

    def answer():
        if not later:
            raise NameError("name 'losses' is not defined")
        return later["loss"]

    guess = Guess(answer, "With photographs 1.34.", within=0.1)
    assert "Run the next cell" in compared(guess, "1.3") and not guess.message.value
    later["loss"] = 1.25
    guess.button.click()
    assert guess.screen.sentence.startswith("✓ It is 1.25.")
    assert "With photographs 1.34." in guess.still_table()


def test_a_cell_that_runs_again_keeps_the_guess():
    compared(Guess(11_875, "Rounded up."), "47,500")
    assert Guess(11_875, "Rounded up.").field.value == "47,500"
    assert Guess(11_875, "Another question.").field.value == ""


def test_without_a_kernel_the_answer_is_folded_text():
    shown = Guess(14, "13.5 < 14.")._repr_mimebundle_()["text/html"]
    assert "<summary>The answer</summary><p><b>14.</b> 13.5 &lt; 14.</p></details>" in shown
