"""The doctor on programs that were written before its rules were read."""

import pytest
import torch

from labkit.doctor import examine
from tests.doctor.unseen import CORRECT, FAULTY


@pytest.mark.parametrize("name", FAULTY)
def test_a_silent_fault_is_named_and_its_repaired_twin_is_not_accused(name):
    make, kinds = FAULTY[name]
    torch.manual_seed(0)
    assert set(examine(**make(False)).kinds) & kinds
    assert not examine(**make(True)).faults


@pytest.mark.parametrize("name", CORRECT)
def test_a_correct_program_that_is_unusual_is_not_accused(name):
    torch.manual_seed(0)
    assert not examine(**CORRECT[name]()).faults
