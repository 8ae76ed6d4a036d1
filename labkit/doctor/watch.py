"""Watch a training or an evaluation: what is called, in which order, at which line."""

import functools
import threading
import weakref
from collections.abc import Callable
from contextlib import ExitStack
from typing import Any

import torch
from torch import nn
from torch.nn.modules.module import register_module_forward_pre_hook
from torch.optim.optimizer import register_optimizer_step_post_hook as stepped
from torch.optim.optimizer import register_optimizer_step_pre_hook as stepping
from torch.overrides import TorchFunctionMode

from labkit.doctor.calls import SIGNED, on_the_side, signs_missing
from labkit.doctor.doubles import sharing, two_mode_layers
from labkit.doctor.lines import line
from labkit.doctor.log import Forward, Judged, Log, Update
from labkit.doctor.sample import pairs
from labkit.inspect.recording import FAILURES
from labkit.sandbox.originals import equal

_LOSSES = {"cross_entropy", "nll_loss", "binary_cross_entropy", "binary_cross_entropy_with_logits"}
_LOSSES |= {"mse_loss", "multi_margin_loss", "kl_div", "l1_loss", "smooth_l1_loss"}
_PAIRED = {"sub", "rsub", "mul", "__rsub__"}
_KEPT = 12
"""Inputs and loss calls kept of one run."""


class Watch(TorchFunctionMode):
    """Note in ``log`` what happens to ``model`` in a block.

    Hooks see the forward passes, the gradients and the steps; PyTorch's function mode sees the
    loss functions and ``backward``. Each step is made ``times`` as long. ``noted`` holds what
    stands in for functions of ``nn.utils``, also where they were imported by name.
    """

    def __init__(
        self,
        model: nn.Module,
        optimizer: torch.optim.Optimizer | None = None,
        times: float = 1,
    ):
        super().__init__()
        self.model, self.optimizer, self.log, self._times = model, optimizer, Log(), times
        clips = (nn.utils.clip_grad_norm_, nn.utils.clip_grad_value_)
        self.noted = {real: self._noting(real) for real in clips}
        self._states: list[tuple[int, list[weakref.ref], str]] = []
        self._weights: list[tuple[torch.Tensor, torch.Tensor]] = []
        self._names = {id(p): name for name, p in model.named_parameters()}
        self._adding = self._stepping = False
        self._output, self._labels, self._images = None, None, (0, 0)
        self._judging = self._goes_on = False
        self._since = self._size = 0.0  # the losses since backward(), the gradient after it
        self._before: list[torch.Tensor] = []  # the weights before the first run
        self._generator: torch.Tensor | None = None  # its state at the first batch
        self.reset = self.reseeded = self._moved = False
        self._arrived: set[str] = set()  # parameters with a gradient since the last step
        self._old: dict[str, str] = {}  # those to whose old gradient it was added
        self._lost: set[int] = set()  # the backward passes whose gradients were cleared unused
        self._tokens: list[tuple[int, int, weakref.ref]] = []
        self._thread = threading.get_ident()
        self._stack = ExitStack()
        self._stack.callback(model._register_state_dict_hook(self._on_state).remove)

    def __deepcopy__(self, memo) -> "Watch":
        return Watch(nn.Module())  # a copy of the model that the learner makes is not watched

    def __enter__(self):
        handles = [stepping(self._before_step), stepped(self._after_step)]
        handles.append(self.model.register_forward_pre_hook(self._before_forward))
        handles.append(self.model.register_forward_hook(self._after_forward))
        handles.append(register_module_forward_pre_hook(self._on_call))
        for real, noted in self.noted.items():
            self._stack.callback(setattr, nn.utils, real.__name__, real)
            setattr(nn.utils, real.__name__, noted)
        for name, parameter in self.model.named_parameters():
            if parameter.requires_grad and not nn.parameter.is_lazy(parameter):
                handles.append(parameter.register_hook(self._arrival(name, parameter)))
        for handle in handles:
            self._stack.callback(handle.remove)
        return super().__enter__()

    def __exit__(self, exc_type, exc_val, exc_tb):
        super().__exit__(exc_type, exc_val, exc_tb)
        self._look_at_states()
        self._stack.close()

    def _noting(self, real: Callable) -> Callable:
        @functools.wraps(real)
        def noted(*args, **kwargs):
            self.log.order.append("clip")
            return real(*args, **kwargs)

        return noted

    def _on_call(self, module, _args) -> None:
        self.log.called.add(id(module))

    def _on_state(self, _module, state, *_rest) -> None:
        tensors = [weakref.ref(t) for t in state.values() if isinstance(t, torch.Tensor)]
        if tensors and threading.get_ident() == self._thread:
            self._states.append((len(self.log.steps), tensors, ""))

    def _look_at_states(self) -> None:
        steps = len(self.log.steps)
        for done, kept, how in self._states:
            if steps > done and all(thing() is not None for thing in kept):
                self.log.by_reference = f"best-by-reference{how}"

    def __torch_function__(self, func, types, args=(), kwargs=None):
        kwargs, name = kwargs or {}, getattr(func, "__name__", "")
        if name == "backward":
            self._on_backward(args)
        self._adding = self._adding or name == "backward"  # torch.autograd.grad adds nothing
        try:
            output = func(*args, **kwargs)
        except FAILURES:
            if name in _LOSSES:
                self._note(name, args, kwargs, float("nan"))
            raise
        finally:
            self._adding = self._adding and name != "backward"
            if name == "backward":
                self._size = self._gradient(self.model.parameters())
        if name in _LOSSES and isinstance(output, torch.Tensor):
            self._on_loss(name, args, kwargs, output)
        elif name in SIGNED and not self.log.no_signs and signs_missing(name, args, kwargs):
            self.log.no_signs = (name, line())
        elif name in _PAIRED and len(args) == 2 and not self.log.spread and not self._judging:
            self._look_at_pair(name, *args)
        return output

    @on_the_side
    def _look_at_pair(self, name: str, *pair: Any) -> None:
        """Note a column of outputs that meets a row of targets: each one meets all of them."""
        outputs, targets = pair if getattr(pair[0], "requires_grad", False) else pair[::-1]
        if not isinstance(outputs, torch.Tensor) or not isinstance(targets, torch.Tensor):
            return
        n = 0 if self._labels is None else len(self._labels)
        shapes = sorted((tuple(outputs.shape), tuple(targets.shape)))
        if n > 1 and shapes == [(n,), (n, 1)] and not targets.requires_grad:
            if outputs.requires_grad:
                self.log.spread = (name, line(), list(outputs.shape), list(targets.shape))

    def on_batch(self, batch: Any, judging: bool = False) -> None:
        """Note that the next batch is asked for, or None, and count the graphs of old batches."""
        both = [] if batch is None else pairs([batch])
        self._labels = both[0][1] if both else None
        tracked = both and not both[0][0].is_inference()
        self._images = (both[0][0].data_ptr(), both[0][0]._version) if tracked else (0, 0)
        if batch is not None and not self._goes_on:
            self.log.tallies.append([0.0, 0.0, 0.0])
            if self.log.steps or self._before:
                shared = ([weakref.ref(one)] for one in sharing(self.model))
                self._states += [(len(self.log.steps), kept, "/copy") for kept in shared]
        self._goes_on, self._judging = batch is not None, judging and batch is not None
        if judging:
            return
        if self._generator is None:
            self._generator = torch.get_rng_state()
        if self._before and not self.log.batches:
            weights, self._before = self._before, []
            self.reseeded = torch.equal(self._generator, torch.get_rng_state())
            self.reset = self._moved and all(map(equal, weights, self.model.parameters()))
        self.log.batches += 1
        self._count_graphs()
        self._look_at_states()

    def begin_again(self, before: list[torch.Tensor]) -> None:
        """Forget the first run, which began with these weights; the random numbers go on."""
        self._moved = not all(map(equal, before, self.model.parameters()))
        self._before, self.log.batches = before, 0
        self.log.tallies.clear()
        torch.rand(3)

    @on_the_side
    def _on_backward(self, args) -> None:
        loss = args[0] if args and isinstance(args[0], torch.Tensor) else None
        self.log.backwards.append(line())
        self.log.order.append("backward")
        if self.log.forwards:
            self.log.forwards[-1].trained = True
        if loss is not None and loss.numel() == 1:
            self._mark(loss)
            value = loss.detach().item()
            self.log.sunk.append(value)
            self.log.since.append(self._since)
            self._since = 0.0
            if not self.log.judged:
                self.log.losses.append(value)
            elif self.log.losses and self.log.losses[-1]:
                self.log.factors.append(value / self.log.losses[-1])

    @on_the_side
    def _on_loss(self, name, args, kwargs, output) -> None:
        loss = output.detach().float().mean().item()
        if self._judging:
            return
        if torch.is_grad_enabled():
            self._since += loss
            self.log.losses.append(loss)
            self._mark(output)
        self._note(name, args, kwargs, loss)

    def _note(self, name, args, kwargs, loss: float) -> None:
        given = {**dict(zip(("input", "target", "weight"), args, strict=False)), **kwargs}
        outputs, targets = given.pop("input", None), given.pop("target", None)
        if isinstance(targets, torch.Tensor) and targets.data_ptr() == self._images[0] != 0:
            self.log.spoilt_target = line() if targets._version != self._images[1] else ""
        if len(self.log.judged) < _KEPT and isinstance(outputs, torch.Tensor):
            kept = None if targets is None else targets.detach().clone()
            direct = outputs.data_ptr() == self._output
            call = (name, line(), self.log.batches - 1, outputs.detach().clone(), kept, given, loss)
            self.log.judged.append(Judged(*call, direct))

    def _mark(self, loss: torch.Tensor) -> None:
        """Hang a token on the graph: it lives as long as the graph does."""
        if loss.grad_fn is not None:
            token = _Token()
            loss.grad_fn.metadata["labkit"] = token  # ty: ignore[invalid-assignment]
            self._tokens.append((self.log.batches, len(self.log.steps), weakref.ref(token)))

    def _count_graphs(self) -> None:
        batches, steps = self.log.batches - 2, len(self.log.steps) - 2
        old = {
            batch
            for batch, done, token in self._tokens
            if token() is not None and batch <= batches and (done <= steps or not self.log.steps)
        }
        self.log.graphs_kept = max(self.log.graphs_kept, len(old))

    @on_the_side
    def _before_forward(self, module, args) -> None:
        images = next((value for value in args if isinstance(value, torch.Tensor)), None)
        few = len(self.log.forwards) < _KEPT and images is not None and not self._judging
        kept = images.detach().clone() if few else None
        modes = {name: layer.training for name, layer in two_mode_layers(self.model).items()}
        modes = modes or {"": self.model.training}
        batch, training = self.log.batches - 1, self.model.training
        self.log.forwards.append(
            Forward(line(), batch, self._judging, kept, torch.is_grad_enabled(), training, modes)
        )

    @on_the_side
    def _after_forward(self, module, args, output) -> None:
        self._output = output.data_ptr() if isinstance(output, torch.Tensor) else None
        labels = self._labels
        if labels is None or self._output is None or output.ndim != 2 or len(output) != len(labels):
            return
        if labels.ndim == 1 and not labels.is_floating_point() and self.log.tallies:
            answers, labels = output.detach().float().cpu(), labels.cpu().long()
            known = ((0 <= labels) & (labels < answers.shape[1])).all()
            own = answers.gather(1, labels[:, None])[:, 0] if known else answers[:, 0]
            loss = (answers.logsumexp(1) - own).mean().item()
            right = (answers.argmax(1) == labels).sum().item()
            tally = self.log.tallies[-1]
            tally[:] = [tally[0] + right, tally[1] + loss * len(labels), tally[2] + len(labels)]

    def _arrival(self, name: str, parameter: torch.Tensor):
        weak = weakref.ref(parameter)

        def hook(incoming: torch.Tensor) -> None:
            mine = weak()
            before = None if mine is None else mine.grad
            self.log.reached.add(name)
            self.log.slopes = self.log.slopes or bool(incoming.count_nonzero())
            full = before is not None and bool(before.count_nonzero())
            if name in self._arrived:
                if not full and len(self.log.backwards) not in self._lost and not self._stepping:
                    self._lost.add(len(self.log.backwards))
                    self.log.lost += 1
                if not full:
                    self._old.pop(name, None)
            elif full and self._adding and self.log.steps:
                self._old[name] = self.log.backwards[-1] if self.log.backwards else line()
            self._arrived.add(name)
            if not self.log.spoilt_at and not incoming.isfinite().all():
                self.log.spoilt_at, self.log.spoilt_after = name, len(self.log.losses)

        return hook

    def _before_step(self, optimizer, args, kwargs) -> None:
        if threading.get_ident() != self._thread:
            return  # a live run trains in another thread
        if not self._ours(optimizer):
            self.log.elsewhere.append(line())
            return
        mine = _weights(optimizer)
        if optimizer not in self.log.optimizers:
            self.log.optimizers.append(optimizer)
        closure = len(args) > 1 or kwargs.get("closure") is not None
        gradients = [p.grad for p in mine if p.grad is not None]
        some = closure or any(bool(g.count_nonzero()) for g in gradients)
        with_gradient = {self._names.get(id(p)) for p in mine if p.grad is not None}
        if not closure:
            for name in self._old.keys() & with_gradient:
                self.log.stale.setdefault(name, self._old[name])
        self._stepping = True
        if self._judging and self.log.forwards and self.log.forwards[-1].trained:
            self.log.taught_at = self.log.taught_at or line()
        rate = max(float(group.get("lr", 0)) for group in optimizer.param_groups)
        kept = self._gradient(mine) / self._size if self._size and not closure else 1.0
        arrived = closure or bool(self._arrived)
        step = Update(line(), rate, some, arrived, self.log.batches - 1, kept)
        self.log.steps.append(step)
        self.log.order.append("step")
        few = len(self.log.steps) <= 5 and some or self._times != 1
        self._weights = [(p, p.detach().clone()) for p in mine] if few else []

    def _after_step(self, optimizer, args, kwargs) -> None:
        if threading.get_ident() != self._thread or not self._ours(optimizer):
            return
        if self._times != 1:
            with torch.no_grad():
                for p, old in self._weights:
                    p.copy_(old + self._times * (p - old))
        moves = [((p - old).norm(), old.norm()) for p, old in self._weights if p.ndim > 1]
        shares = [(move / size).item() for move, size in moves if size > 0]
        if shares:
            self.log.steps[-1].moved = max(shares)
        self._stepping = False
        for name in {self._names.get(id(p)) for p in _weights(optimizer)}:
            self._arrived.discard(name)
            self._old.pop(name, None)

    @staticmethod
    def _gradient(weights) -> float:
        slopes = [p.grad.detach() for p in weights if p.grad is not None and not p.is_meta]
        return sum(slope.double().norm().item() ** 2 for slope in slopes) ** 0.5

    def _ours(self, optimizer: torch.optim.Optimizer) -> bool:
        known = any(id(p) in self._names for p in _weights(optimizer))
        return known or optimizer is self.optimizer


class _Token:
    pass


def _weights(optimizer: torch.optim.Optimizer) -> list[torch.Tensor]:
    return [parameter for group in optimizer.param_groups for parameter in group["params"]]
