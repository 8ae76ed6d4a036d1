"""The fast recipe: each piece against a slow obvious one, and the ladder as a whole."""

import itertools
import math
import platform
import re
from dataclasses import asdict, replace

import numpy as np
import psutil
import pytest
import torch
from torch.nn import functional

from labkit.data import ImageSet
from labkit.data.loaders import BatchLoader
from labkit.faster import ladder, memory, recipe
from labkit.faster.augment import Shift
from labkit.faster.fast_net import Block, FastNet, whitening_filters
from labkit.faster.hardest import GROWTH, HardestLoader
from labkit.faster.muon import Muon, orthogonalised
from tests.benchmarks import __main__ as bench
from tests.benchmarks import record_ladder

RUNGS = ladder.ladder()


@pytest.fixture
def pictures():
    """Sixty pictures of three classes, told apart by their colour."""
    generator = np.random.default_rng(0)
    labels = np.arange(60) % 3
    data = generator.integers(0, 200, (60, 32, 32, 3), dtype=np.uint8)
    data[np.arange(60), :, :, labels] += 50
    return ImageSet(data, labels, ("red", "green", "blue"), source="colours")


def by_steps(steps):
    """Let the training last ``steps`` steps, however long that takes: repeatable with a seed."""
    return lambda done: done / steps


def smooth_images():
    """Images whose neighbouring pixels are alike, as in photographs."""
    coarse = torch.randn(64, 3, 8, 8, generator=torch.Generator().manual_seed(0))
    return functional.interpolate(coarse, scale_factor=4, mode="bilinear")


def test_whitened_patches_have_variance_one_and_no_covariance():
    images = smooth_images() + 0.2 * torch.randn(64, 3, 32, 32)
    answers = functional.conv2d(images, whitening_filters(images, 2), stride=2)
    rows = answers.permute(0, 2, 3, 1).reshape(-1, 12)
    covariance = rows.T @ rows / len(rows)
    assert torch.allclose(covariance, torch.eye(12), atol=0.02)


def test_a_direction_that_never_occurs_is_not_blown_up():
    grey = smooth_images()[:, :1].expand(-1, 3, -1, -1)
    assert whitening_filters(grey, 2).abs().max() <= 5e-4**-0.5


def test_orthogonalised_keeps_the_directions_and_evens_out_their_strengths():
    generator = torch.Generator().manual_seed(0)
    for shape in [(16, 90), (90, 16), (16, 16)]:
        matrix = torch.randn(shape, generator=generator)
        left, _strengths, right = torch.linalg.svd(matrix, full_matrices=False)
        result = left.T @ orthogonalised(matrix, steps=5) @ right.T
        assert result.shape == (16, 16)
        assert (result - result.diag().diag()).abs().max() < 0.05  # bfloat16 within
        assert 0.3 < result.diag()[:-1].min() and result.diag().max() < 1.35


def test_muon_brings_a_filter_bank_to_its_norm_and_turns_it_by_the_learning_rate():
    filters = torch.nn.Parameter(torch.randn(8, 4, 3, 3) * 5)
    optimizer = Muon([filters], lr=0.0)
    filters.grad = torch.randn_like(filters)
    optimizer.step()
    assert abs(filters.norm() - 8**0.5) < 1e-4
    before = filters.detach().clone()
    optimizer.param_groups[0]["lr"] = 0.1
    optimizer.step()
    assert 0.1 * 8**0.5 * 0.5 < (filters - before).norm() < 0.1 * 8**0.5 * 1.35


@pytest.mark.parametrize("pixels", [1, 2, 4])
def test_a_shift_moves_each_image_by_its_own_whole_pixels(pixels):
    images = torch.randn(20, 3, 12, 10)
    moved = Shift(pixels)(images, torch.Generator().manual_seed(5))
    generator = torch.Generator().manual_seed(5)
    down, right = torch.randint(2 * pixels + 1, (2, 20), generator=generator).tolist()
    assert len(set(down)) > 1 and len(set(right)) > 1
    for image, result, y, x in zip(images, moved, down, right, strict=True):
        padded = functional.pad(image[None], (pixels,) * 4, mode="reflect")[0]
        assert torch.equal(result, padded[:, y : y + 12, x : x + 10])


def told(loader, pictures, loss_of):
    """Let an epoch pass, answer each batch with the losses of its pictures; return which it had."""
    rows = {pictures.data[k].tobytes(): k for k in range(len(pictures))}
    shown = []
    for images, _labels in loader:
        pixels = ((images + 1) * 127.5).round().to(torch.uint8).permute(0, 2, 3, 1)
        batch = [rows[image.contiguous().numpy().tobytes()] for image in pixels]
        loader.tell(torch.tensor([loss_of(k, len(shown)) for k in batch]))
        shown += batch
    return shown


def test_an_epoch_has_the_largest_losses_and_the_turn_of_the_others_comes(pictures):
    generator = torch.Generator().manual_seed(0)
    loader = HardestLoader(pictures, 7, part=0.6, shuffle=True, seed=3)
    last = dict.fromkeys(range(60), float("inf"))
    for epoch in range(12):
        losses = torch.rand(60, generator=generator).tolist()
        expected = sorted(last, key=lambda k: (-last[k], k))[: 36 if epoch else 60]
        shown = told(loader, pictures, lambda k, _done, losses=losses: losses[k])
        assert sorted(shown) == sorted(expected)
        assert shown != sorted(shown)
        last = {k: losses[k] if k in shown else last[k] + GROWTH for k in last}


def test_what_was_never_shown_comes_first(pictures):
    loader = HardestLoader(pictures, 32, part=0.1, shuffle=True, drop_last=True)
    first, second = (told(loader, pictures, lambda _k, _done: 1.0) for _epoch in range(2))
    assert len(first) == 32 and set(second) == set(range(60)) - set(first)


def test_when_everything_is_to_be_shown_an_epoch_of_the_hardest_ends_at_once(pictures):
    loader = HardestLoader(pictures, 10, part=0.5, shuffle=True)
    told(loader, pictures, lambda k, _done: float(k))
    batches = iter(loader)
    next(batches)
    loader.tell(torch.zeros(10), everything=True)
    assert next(batches, None) is None
    for _epoch in range(2):
        batches = list(loader)
        loader.tell(torch.zeros(10), everything=True)
        assert sum(len(labels) for _images, labels in batches) == 60


def test_a_new_block_passes_its_inputs_on():
    block, images = Block(4, 6), torch.randn(2, 4, 8, 8)
    assert torch.equal(block.conv(images)[:, :4], images)


@pytest.mark.parametrize("size", [16, 20, 26, 32, 40])
def test_the_network_takes_images_of_any_size(size):
    assert FastNet(7)(torch.randn(3, 3, size, size)).shape == (3, 7)


def test_a_whitened_layer_is_frozen_and_the_others_are_not(pictures):
    model = recipe.network(RUNGS[-1].recipe, pictures)
    frozen = {name for name, weight in model.named_parameters() if not weight.requires_grad}
    assert {"patches.weight", "patches.bias"} <= frozen
    assert "head.weight" not in frozen and "blocks.0.conv.weight" not in frozen


def test_learning_rates_rise_to_the_highest_and_fall_to_zero(pictures):
    way = RUNGS[-1].recipe
    optimizers = recipe.make_optimizers(way, recipe.network(way, pictures))
    groups = [group for optimizer in optimizers for group in optimizer.param_groups]
    for part, share in [(0, 0), (way.warmup / 2, 0.5), (way.warmup, 1), (1, 0)]:
        recipe.set_learning_rates(optimizers, way, part)
        for group in groups:
            assert group["lr"] == pytest.approx(share * group["highest"])
    assert len(groups) == 2 and all(group["highest"] > 0 for group in groups)


def test_every_weight_that_learns_has_exactly_one_optimizer(pictures):
    for rung in RUNGS:
        model = recipe.network(rung.recipe, pictures)
        learning = {id(weight) for weight in model.parameters() if weight.requires_grad}
        held = [
            id(weight)
            for optimizer in recipe.make_optimizers(rung.recipe, model)
            for group in optimizer.param_groups
            for weight in group["params"]
        ]
        assert len(held) == len(set(held)) and set(held) == learning


def test_the_same_seed_and_number_of_steps_give_the_same_weights(pictures):
    def weights(seed):
        return recipe.train(RUNGS[-1].recipe, pictures, by_steps(3), seed=seed).model

    first, again, other = (weights(seed).state_dict() for seed in (1, 1, 2))
    assert all(torch.equal(first[name], again[name]) for name in first)
    assert not torch.equal(first["head.weight"], other["head.weight"])


def test_a_training_by_the_clock_ends_when_its_time_is_over(pictures, monkeypatch):
    clock = itertools.count(step=0.1)  # a tenth of a second passes between two looks at it
    monkeypatch.setattr(recipe.time, "perf_counter", lambda: next(clock))
    trained = recipe.train(RUNGS[2].recipe, pictures, recipe.by_clock(1.05))
    assert trained.steps == 10 and trained.images == trained.steps * 60


@pytest.mark.parametrize("seconds", [0, -1])
def test_a_training_without_time_takes_no_step(pictures, seconds):
    assert recipe.train(RUNGS[2].recipe, pictures, recipe.by_clock(seconds)).steps == 0


def test_the_fast_recipe_learns_three_colours(pictures):
    way = RUNGS[-1].recipe
    model = recipe.train(way, pictures, by_steps(12)).model
    assert recipe.accuracy(recipe.answer(way, model, pictures), pictures) > 0.9


def test_mirrored_answers_are_the_mean_of_both_views(pictures):
    way = replace(RUNGS[-1].recipe, second_look=False)
    model = recipe.train(way, pictures, by_steps(2)).model
    logits = recipe.answer(way, model, pictures)
    images = next(iter(BatchLoader(pictures, 60)))[0].contiguous(memory_format=torch.channels_last)
    with torch.inference_mode(), recipe.precision(way, torch.device("cpu")):
        expected = (model(images).float() + model(images.flip(3)).float()) / 2
    assert torch.equal(logits, expected)


@pytest.mark.parametrize("rung", RUNGS, ids=lambda rung: rung.name)
def test_every_rung_trains_and_answers(rung, pictures):
    trained = recipe.train(rung.recipe, pictures, by_steps(2))
    logits = recipe.answer(rung.recipe, trained.model, pictures)
    epochs = 1 + math.ceil(60 * rung.recipe.hardest) / 60 if rung.recipe.batch_size > 60 else 2
    assert trained.steps == 2 and trained.images == epochs * min(rung.recipe.batch_size, 60)
    assert logits.shape == (60, 3) and logits.isfinite().all()


def test_every_rung_keeps_what_those_below_it_changed():
    start = asdict(recipe.Recipe())
    changed = []
    for lower, upper in zip(RUNGS, RUNGS[1:], strict=False):
        before, after = asdict(lower.recipe), asdict(upper.recipe)
        new = {name for name in after if after[name] != before[name]}
        assert new
        changed.append(new)
        assert all(after[name] != start[name] for names in changed for name in names)


def test_a_measured_ladder_survives_its_file(tmp_path, pictures, monkeypatch):
    monkeypatch.setattr(ladder, "ladder", lambda: RUNGS[1:3])
    monkeypatch.setattr(ladder, "by_clock", lambda _seconds: by_steps(2))
    measured = record_ladder.climb(pictures, pictures, seconds=0.2)
    assert [step.name for step in measured.steps] == [rung.name for rung in RUNGS[1:3]]
    assert all(step.images_per_second > 0 for step in measured.steps)
    path = record_ladder.save(measured, tmp_path / "ladder.json")
    assert ladder.load(path) == measured


def test_the_recorded_ladder_has_the_rungs_of_today_and_says_where_it_was_measured():
    recorded = ladder.load()
    assert [step.name for step in recorded.steps] == [rung.name for rung in RUNGS]
    assert recorded.date in recorded.heading and recorded.device in recorded.heading
    assert recorded.source not in ("", "drawn")


def test_the_rows_of_a_ladder_say_what_each_rung_gained_over_the_one_before():
    steps = [ladder.Reached("low", 1234.5, 0.5), ladder.Reached("high", 99.6, 0.625)]
    recorded = replace(ladder.load(), steps=(*steps, ladder.Reached("lost", 5.0, 0.6)))
    assert recorded.names == ["1. low", "2. high", "3. lost"]
    assert recorded.percent == [50.0, 62.5, 60.0]
    assert recorded.rows == (
        ("1. low", "1,234", "50.0 %", ""),
        ("2. high", "100", "62.5 %", "+12.5"),
        ("3. lost", "5", "60.0 %", "−2.5"),
    )
    assert all(len(row) == len(recorded.columns) for row in recorded.rows)


def test_images_per_second_leaves_out_the_first_step(pictures, monkeypatch):
    clock = iter([0.0, 100.0, 100.4, 100.8, 101.2])  # the first step takes 100 s, the others 0.4
    monkeypatch.setattr(ladder.time, "perf_counter", lambda: next(clock))
    assert ladder.images_per_second(RUNGS[2].recipe, pictures) == pytest.approx(60 / 0.4)


@pytest.mark.parametrize("workers", [0, 2])
def test_the_loader_of_the_tutorial_has_as_many_workers_as_the_machine_can_use(
    pictures, monkeypatch, workers
):
    monkeypatch.setattr(recipe, "usable_workers", lambda wanted: min(wanted, workers))
    loader = recipe.original_loader(pictures, 4)
    assert loader.num_workers == workers and loader.batch_size == 4


def test_the_recording_says_what_notebook_8_says_of_it():
    percent = ladder.load().percent
    gains = {n + 2: b - a for n, (a, b) in enumerate(zip(percent, percent[1:], strict=False))}
    assert [rung for rung, gain in gains.items() if gain > 2.4] == [2, 3, 4, 6, 9, 12]
    assert [rung for rung, gain in gains.items() if gain < -2.4] == [5]
    assert max(gains, key=gains.get) == 6


def test_the_benchmark_trains_alike_with_either_optimizer(pictures):
    one, other = (
        bench.tutorial(BatchLoader(pictures, 4), 3, fused=fused)[0].state_dict()
        for fused in (False, True)
    )
    assert all(torch.allclose(one[name], other[name], atol=1e-6) for name in one)


def test_the_benchmark_ends_with_its_two_lines(pictures, monkeypatch, capsys):
    monkeypatch.setattr(bench, "whole", lambda: (pictures, pictures))
    bench.main()
    same, within = capsys.readouterr().out.splitlines()[-2:]
    number = r"\d+\.\d"
    part = rf"{number} s, {number} %"
    assert re.fullmatch(rf"same recipe: \d+\.\d\d times faster \({part} -> {part}\)", same)
    assert re.fullmatch(rf"in the original's time: {number} % \(the original: {number} %\)", within)


def test_a_second_look_is_the_mean_with_the_moved_pictures_where_it_is_unsure(pictures):
    once = replace(RUNGS[2].recipe, mirror_answers=True)
    model = recipe.train(once, pictures, by_steps(2)).model.eval()
    first = recipe.answer(once, model, pictures)
    looked = recipe.answer(replace(once, second_look=True), model, pictures)
    ordered = first.softmax(dim=1).sort(descending=True).values
    margin = ordered[:, 0] - ordered[:, 1]
    unsure = margin < margin.sort().values[30]
    assert torch.equal(looked[~unsure], first[~unsure])
    for place in unsure.nonzero().flatten().tolist():
        image = torch.from_numpy(pictures.data[place].copy()).permute(2, 0, 1) / 127.5 - 1
        views = []
        for down in (0, 1, -1):  # rolled, and what came in at the edge replaced by its mirror image
            view = image.roll((down, down), (1, 2))
            edge, inner = (0, 2) if down == 1 else (-1, -3)
            if down:
                view[:, edge] = view[:, inner]
                view[:, :, edge] = view[:, :, inner]
            views += [view, view.flip(2)]
        with torch.no_grad():
            answers = model(torch.stack(views))
        expected = (answers[:2].mean(0) + answers[2:].mean(0)) / 2
        assert torch.allclose(looked[place], expected, atol=1e-5)


def test_a_single_picture_gets_one_look(pictures):
    one = ImageSet(pictures.data[:1], pictures.targets[:1], pictures.classes, source="colours")
    way = RUNGS[-1].recipe
    assert recipe.answer(way, FastNet(3), one).shape == (1, 3)


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="the C library is not glibc")
def test_kept_memory_is_not_asked_of_the_system_again():
    resource = pytest.importorskip("resource")

    def faults():
        """Return how many pages the system gave while a block was allocated 50 times."""
        before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
        for _time in range(50):
            torch.ones(16 * 2**20)
        return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before

    by_default = faults()
    with memory.kept():
        torch.ones(16 * 2**20)
        kept, held = faults(), psutil.Process().memory_info().rss
    assert kept < by_default / 10
    assert psutil.Process().memory_info().rss < held - 32 * 2**20  # it was given back


def test_without_glibc_nothing_is_kept_and_nothing_breaks(monkeypatch):
    monkeypatch.setattr(platform, "libc_ver", lambda: ("", ""))
    with memory.kept():
        assert torch.ones(2).sum() == 2
