"""Phrases of the doctor: where something was found, what was measured, what was not looked at.

A probe names one, ``phrase("line", number=3)``, with the values between its braces.
"""

from labkit.text import _

PHRASES = {
    "loss at step": "the loss is {loss} at step {step}",
    "in the weights": "already in the weights: {names}",
    "begins in": "it begins in {layer}, whose output has shape {shape}",
    "in the loss function": "in the loss function: the outputs are finite",
    "in training mode": "only in training mode, in the model",
    "loss goes": "the loss goes from {first:.3g} to {last:.3g} in {n} steps",
    "with another rate": (
        "With {times:g} times this learning rate, it goes from {first:.3g} to {last:.3g}."
    ),
    "with another eps": "With eps={eps:g}, the loss goes from {first:.3g} to {last:.3g}.",
    "no layer moves": "a step changes no layer by more than {share:.1e} of its size",
    "after steps": "{layer}, after {n} steps",
    "for all images": "{layer}, for all of {n} images",
    "relu after": "the ReLU after layer {layer}",
    "error": "{kind}: {text}",
    "no optimizer of PyTorch": "it is not a PyTorch optimizer",
    "no batches to run on": "there are no batches to run it on",
    "your evaluation": "your evaluation",
    "too long": "it takes too long",
    "a few batches break it": "a few batches break it ({error}), all of them perhaps do not",
    "layers": " (layers: {names})",
    "training batches": "the training batches",
    "validation batches": "the validation batches",
    "values": "values from {low:.3g} to {high:.3g}, mean {mean:.2g}, std {std:.2g}",
    "transform": "the training set's transform",
    "called from": "{line}; called from {other}",
    "line": "line {number}",
    "line of function": "line {number} of {function}()",
    "training": "training",
    "validation": "validation",
    "test": "test",
    "loader and line": "the {split} loader; {line}",
    "seeds alike": "worker_init_fn={name}, which seeds {what} alike",
    "copies of a state": "{what}: every worker gets a copy with the same state",
    "softmax": "softmax",
    "as you said": "as you said",
    "in .classes": "in the data set's .classes",
    "last layer": "the last layer; {classes} classes {known}",
    "outside": "the {things} outside of it",
    "a usual step": "a training step on your first batch",
    "usual step breaks": "the usual step breaks ({error}): hand over step= or train=",
    "your code": "your code",
    "attribute": "self.{name}, a {kind}",
    "and more": "{names} and {n} more",
    "missing in checkpoint": "missing in the checkpoint: {names}",
    "only in checkpoint": "only in the checkpoint: {names}",
    "model": "model",
    "optimizer": "optimizer",
    "probe failed": "{name} ({error})",
    "out of time": "what more than a minute would show",
    "optimizer's weights": "the optimizer's weights",
    "batches and steps": "some training batches and steps on copies",
    "training code": "your training code",
    "images to judge by": "the images to judge by",
    "checkpoint's names": "the checkpoint's names",
    "model's parameters": "the model's parameters",
    "no batch": "no batch came",
    "no pairs": "the batches are no pairs of images and labels: hand over train=",
    "without it": "(without this line)",
    "not without": "it does not help without {parts}",
}


def phrase(name: str, /, **values: object) -> str:
    """Return a phrase in the learner's language."""
    return _(PHRASES[name]).format(**values)
