"""What one language trains, the others take over, to the last bit."""

import torch

from tests.site.once import once


def _train(folder, seed=0):
    """Train as a kernel does that begins anew; return weights, optimizer, result, next number."""
    trained = []

    def train(model, optimizer, file):
        trained.append(model)
        for _step in range(3):
            optimizer.zero_grad()
            model(torch.rand(4, 5)).sum().backward()
            optimizer.step()
        print("three steps")
        with open(file, "w") as opened:
            opened.write("saved")
        return 3

    torch.manual_seed(seed)
    model = torch.nn.Linear(5, 2)
    sgd = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
    file = folder / f"{len(list(folder.iterdir()))}.txt"
    result = once(train, folder / "once")(model, sgd, str(file))
    momentum = sgd.state_dict()["state"][0]["momentum_buffer"]
    return len(trained), result, model.weight, momentum, torch.rand(1), file.read_text()


def test_the_second_kernel_trains_nothing_and_has_all_that_the_first_found(tmp_path, capsys):
    first, second = _train(tmp_path), _train(tmp_path)
    assert (first[0], second[0]) == (1, 0)
    assert first[1] == second[1] == 3 and first[5] == second[5] == "saved"
    assert all(torch.equal(one, other) for one, other in zip(first[2:5], second[2:5], strict=True))
    assert capsys.readouterr().out == "three steps\n" * 2


def test_a_call_that_begins_with_other_weights_trains_itself(tmp_path):
    first, other = _train(tmp_path), _train(tmp_path, seed=1)
    assert other[0] == 1 and not torch.equal(first[2], other[2])
