"""What holds for every exercise of every notebook."""

import ast
import inspect
import random
import re
from importlib import import_module

import numpy
import pytest
import torch

from labkit.checks import series
from labkit.checks.engine import board, values
from labkit.sandbox.limits import default_device
from tests.checks import exercises

each_exercise = pytest.mark.parametrize("exercise", exercises.everywhere(), ids=exercises.full_name)
each_notebook = pytest.mark.parametrize("notebook", series.SERIES)


@each_notebook
def test_a_notebook_has_three_to_five_exercises_and_shows_the_board(notebook):
    found = series.exercises(notebook)
    assert 3 <= len(found) <= 5
    assert [exercise.number for exercise in found] == list(range(1, len(found) + 1))
    code = "\n".join(text for kind, text in exercises.source(notebook) if kind == "code")
    assert f'board("{notebook}")' in code


@each_notebook
def test_exercises_stand_in_the_notebook_in_their_order(notebook):
    calls = [
        re.search(r"^check\.(\w+)\(", text, re.M)
        for kind, text in exercises.source(notebook)
        if kind == "code"
    ]
    expected = [exercise.name for exercise in series.exercises(notebook)]
    assert [call.group(1) for call in calls if call] == expected


@each_exercise
def test_an_exercise_is_in_a_file_named_after_its_notebook(exercise):
    assert exercise.solution.__module__.rpartition(".")[2].startswith(exercise.notebook)


@each_exercise
def test_nudge_hint_and_solution_are_folded_under_it(exercise):
    steps = exercises.folded(exercise.notebook)[exercise.number - 1]
    assert list(steps) == ["Nudge", "Hint", "Solution"]
    assert all(steps.values())


@each_exercise
def test_the_notebooks_own_solution_is_right(exercise):
    namespace = exercises.definitions(exercise.notebook)
    exec(exercises.solution(exercise.notebook, exercise.number), namespace)
    verdict = exercise(namespace[exercise.name])
    assert verdict.solved, verdict
    assert board.read()[exercise.notebook][exercise.name].solved


@each_exercise
def test_the_solution_behind_the_edits_is_the_one_that_the_notebook_shows(exercise):
    shown = ast.parse(exercises.solution(exercise.notebook, exercise.number)).body[-1]
    if isinstance(shown, ast.Assign):
        pytest.skip("the notebook makes it of a library's parts")
    assert ast.unparse(ast.parse(exercise.source)) == ast.unparse(shown)


@each_exercise
def test_an_untouched_stub_gets_one_quiet_line(exercise):
    cell = next(
        text
        for _kind, text in exercises.source(exercise.notebook)
        if f"check.{exercise.name}(" in text
    )
    namespace = exercises.definitions(exercise.notebook)
    exec(cell.rpartition("check.")[0], namespace)
    verdict = exercise(namespace[exercise.name])
    assert verdict.state == "waiting"
    assert len(str(verdict).splitlines()) == 1
    assert board.read() == {}


@each_exercise
def test_the_judge_and_other_right_answers_are_right(exercise):
    assert exercise(exercise.solution).solved
    for answer in (exercise.judge, *exercise.also):  # a judge may be what the text forbids
        assert exercises.accepts(exercise, answer)


def answers(table):
    """Return the rows of ``RIGHT`` or ``WRONG`` in the tests of all notebooks, for pytest."""
    modules = [import_module(f"tests.checks.test_{notebook}") for notebook in series.SERIES]
    rows = [row for module in modules for row in getattr(module, table).items()]
    return [pytest.param(*row, id=exercises.full_name(row[0])) for row in rows]


@pytest.mark.filterwarnings("ignore::UserWarning")  # torchvision's own, of an old transform
@pytest.mark.parametrize(("exercise", "several"), answers("RIGHT"))
def test_a_right_answer_may_be_written_in_any_way(exercise, several):
    for number, answer in enumerate(several):
        verdict = exercise(answer)
        assert verdict.solved, (number, verdict)


@pytest.mark.parametrize(("exercise", "wrong"), answers("WRONG"))
def test_a_mistake_is_recognised_however_it_is_written(exercise, wrong):
    answer, words = wrong
    verdict = exercise(answer)
    assert verdict.state in ("wrong", "raised"), verdict
    assert words in " ".join(verdict.hints), verdict


@each_exercise
def test_every_mistake_is_wrong_and_called_by_its_name(exercise):
    assert len(exercise.mistakes) >= 4
    assert len({mistake.name for mistake in exercise.mistakes}) == len(exercise.mistakes)
    for mistake in exercise.mistakes:
        verdict = exercise(mistake.answer)
        assert verdict.state in ("wrong", "raised")
        assert (verdict.mistake, verdict.hints[0]) == (mistake.name, mistake.sentence)
        assert "NameError" not in str(verdict)  # the edit hit more than was meant


@each_exercise
def test_an_endless_answer_is_ended(exercise, monkeypatch):
    monkeypatch.setattr(exercise, "seconds", 0.05)

    def endless(*arguments, **named):
        while True:
            pass

    verdict = exercise(endless)
    assert verdict.state == "endless"
    assert "0.05 seconds" in str(verdict)


NONSENSE = (None, 0, "cat", print, lambda *_: [None], object())
CONSTANT = (0, 1, False, True, [], "", {})


@each_exercise
def test_nonsense_and_answers_that_never_change_are_never_right(exercise):
    for answer in (*NONSENSE, *(lambda *_, value=value, **__: value for value in CONSTANT)):
        verdict = exercise(answer)
        assert verdict.state in ("wrong", "raised"), (answer, verdict)
        assert len(str(verdict).splitlines()) >= 2


@each_exercise
def test_noughts_of_the_right_shape_are_never_right(exercise):
    def noughts(*arguments):
        right = values.plain(exercise.judge(*arguments))
        if not isinstance(right, numpy.ndarray):
            raise TypeError("no numbers")
        return torch.zeros(right.shape)

    if inspect.isclass(exercise.judge):
        pytest.skip("answers with a class")
    verdict = exercise(noughts)
    if "TypeError: no numbers" in verdict.lines:
        pytest.skip("answers with something else than numbers")
    assert verdict.state in ("wrong", "raised")


@each_exercise
def test_an_answer_that_meddles_with_everything_leaves_no_trace(exercise):
    def meddling(*arguments):
        for seed in (torch.manual_seed, random.seed, numpy.random.seed):
            seed(5)
        torch.set_grad_enabled(False)
        torch.set_default_dtype(torch.float64)
        torch.set_default_device("meta")
        return exercise.judge(*arguments)

    def drawn():
        return torch.rand(1).item(), random.random(), numpy.random.rand()

    for seed in (torch.manual_seed, random.seed, numpy.random.seed):
        seed(3)
    expected = drawn()
    for seed in (torch.manual_seed, random.seed, numpy.random.seed):
        seed(3)
    exercise(meddling)
    assert torch.is_grad_enabled() and torch.get_default_dtype() == torch.float32
    assert default_device() == torch.device("cpu")
    assert drawn() == expected
