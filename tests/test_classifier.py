"""The plain program to take home does what it says, on a few hundred images."""

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from labkit.model import Net

PROGRAM = Path(__file__).parents[1] / "notebooks" / "cifar10_classifier.py"


@pytest.fixture(scope="module")
def printed(few, tmp_path_factory):
    """Run the program for one epoch in a folder of its own; return what it printed, and where."""
    home = tmp_path_factory.mktemp("home")
    command = [sys.executable, PROGRAM, "--data", few, "--device", "cpu", "--epochs", "1"]
    done = subprocess.run(command, cwd=home, capture_output=True, text=True, check=True)
    return done.stdout, home


def test_it_prints_an_accuracy_for_the_whole_and_for_each_class(printed):
    text, _home = printed
    whole = float(re.search(r"^test accuracy ([\d.]+)%$", text, re.MULTILINE).group(1))
    each = [float(share) for share in re.findall(r"^ +\w+ ([\d.]+)%$", text, re.MULTILINE)]
    assert len(each) == 10
    assert sum(each) / 10 == pytest.approx(whole, abs=0.11)  # as many test images in every class


def test_what_it_saves_fits_the_network_of_the_lab(printed):
    _text, home = printed
    Net().load_state_dict(torch.load(home / "cifar10_net.pt", weights_only=True))


def test_it_is_plain_pytorch():
    imported = {
        name.split(".")[0]
        for node in ast.walk(ast.parse(PROGRAM.read_text()))
        if isinstance(node, ast.Import | ast.ImportFrom)
        for name in ([node.module] if isinstance(node, ast.ImportFrom) else [node.names[0].name])
    }
    assert imported == {"argparse", "torch", "torchvision"}
