"""A look computes with one thread, and takes none from anybody else."""

import threading

import pytest
import torch

from labkit.sandbox.model_lock import one_thread


def threads_of_another() -> int:
    found = []
    other = threading.Thread(target=lambda: found.append(torch.get_num_threads()))
    other.start()
    other.join()
    return found[0]


def test_a_look_has_one_thread_and_others_keep_theirs():
    before = torch.get_num_threads()
    torch.set_num_threads(2)  # whatever the machine has, and whatever was said about it
    try:
        with one_thread():
            assert torch.get_num_threads() == 1
            assert threads_of_another() == 2
            with one_thread():
                assert torch.get_num_threads() == 1
            assert torch.get_num_threads() == 1
        assert torch.get_num_threads() == 2
        with pytest.raises(KeyboardInterrupt), one_thread():
            raise KeyboardInterrupt
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(before)
