"""Random states are restored exactly, whatever was drawn in between."""

import random

import numpy
import pytest
import torch

from labkit.sandbox import randomness


def drawn():
    return random.random(), numpy.random.rand(), torch.rand(1).item()


def test_what_is_drawn_in_a_block_changes_nothing_after_it_also_not_after_an_error():
    states = random.getstate(), numpy.random.get_state(), torch.get_rng_state()
    expected = drawn()
    random.setstate(states[0])
    numpy.random.set_state(states[1])
    torch.set_rng_state(states[2])
    with pytest.raises(ZeroDivisionError), randomness.kept(seed=3):
        drawn()
        raise ZeroDivisionError
    with randomness.kept():
        drawn()
    assert drawn() == expected


def test_a_seed_decides_what_is_drawn_in_a_block():
    with randomness.kept(seed=3):
        first = drawn()
    with randomness.kept(seed=3):
        assert drawn() == first
    with randomness.kept(seed=4):
        assert drawn() != first


def test_nothing_is_lent_to_a_block_that_draws_nothing():
    cpu = torch.device("cpu")
    states = randomness.seeded_states(0, cpu)
    before, lent = torch.get_rng_state(), dict(states)
    with randomness.borrowed(states, cpu, draws=False):
        assert torch.equal(torch.get_rng_state(), before)
    assert randomness.same(states, lent)
    with randomness.borrowed(states, cpu):
        torch.rand(1)
    assert torch.equal(torch.get_rng_state(), before) and not randomness.same(lent, states)
