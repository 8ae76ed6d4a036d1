"""All that the doctor says: for each kind of finding what is wrong, why it matters, how to fix it.

A kind is the part of the key before a slash; after it stands a variant. A fourth sentence is what
was measured, unless ``seen`` says it. The sentences are translated where ``found`` looks them up.
To add a fault, add a row here and a probe that yields ``found(kind, where, ...)`` with the values
between the braces.
"""

from labkit.doctor.catalogue_augmentation import AUGMENTATION
from labkit.doctor.catalogue_evaluation import EVALUATION, LEARNING
from labkit.doctor.catalogue_network import NETWORK, WEIGHTS
from labkit.doctor.catalogue_training import CODE, LOSS
from labkit.doctor.findings import Finding
from labkit.text import _

DATA = {
    "loader-breaks": (
        "{error}",
        "No batch comes out of it, so nothing that needs one was looked at.",
        "Try one item first, dataset[0], then next(iter(loader)).",
    ),
    "loader-breaks/empty": (
        "The {split} loader gives no batch at all.",
        "A loop over it does nothing, and no error is raised.",
        "Look at the length of its data set. With drop_last=True, what fills no batch is left out: "
        "use a smaller batch_size, or drop_last=False.",
    ),
    "not-shuffled": (
        "The training images come class by class.",
        "Each step undoes part of what the one before has learnt, and every epoch repeats the same "
        "steps.",
        "Give the training loader shuffle=True (and validation and test shuffle=False).",
    ),
    "not-shuffled/order": (
        "The training images come in the same order in every epoch.",
        "Every epoch repeats the same batches, which is easier to learn by heart.",
        "Give the training loader shuffle=True (and validation and test shuffle=False).",
    ),
    "augmented": (
        "The {split} images are changed at random.",
        "Each evaluation judges other, harder images: the number is too low, and jumps. A Subset "
        "shares the transform of the set it was taken from.",
        "Give this set a transform of its own, without anything random.",
    ),
    "overlap": (
        "Images that are in {one} and in {other}: {n:,}.",
        "The network is asked about images that it was trained on: what it knows by heart counts "
        "as understood, and the accuracy is too high.",
        "Split once, by image, before anything else; then check that none is in both.",
        "{share:.1%} of the {other} images",
    ),
    "nearly-the-same": (
        "{share:.0%} of the validation images have a near copy among the training images. On "
        "purpose?",
        "The network is asked about images that it was trained on: what it knows by heart counts "
        "as understood, and the accuracy is too high.",
        "Split once, by image, before anything else; then check that none is in both.",
    ),
    "data-changed": (
        "The stored images are changed by the code that reads them.",
        "What is changed in place stays changed. Each epoch adds to it, until they are other "
        "images.",
        "Work on a copy: self.images[index].copy(), or .clone() for a tensor; and images = images "
        "- mean, not images.sub_(mean).",
    ),
    "labels-unrelated": (
        "The labels seem to have nothing to do with the images. On purpose?",
        "A quick classifier was fitted to half of {n:,} training images: on the other half it does "
        "no better than guessing. Perhaps images and labels were shuffled apart.",
        "Look at some images with their labels. Use the same order for both: images[order], "
        "labels[order].",
    ),
    "stamp": (
        "A few pixels give the label away: {n} of them are enough for {accuracy:.0%} right "
        "answers. On purpose?",
        "As many others are enough for {rest:.0%}. The network can read a stamp, a border or a "
        "watermark instead of the image, and fails where there is none.",
        "Look at the images around row {row}, column {column}; crop or cover that part.",
    ),
    "worker-seeds": (
        "All workers draw the same random numbers.",
        "{n} images at a time are then augmented in the same way: there is less variety than you "
        "think.",
        "Use a seed for each worker: torch.initial_seed() % 2**32 differs in each. Without any "
        "worker_init_fn, PyTorch seeds torch, random and numpy.random differently.",
    ),
    "images-all-alike": (
        "All images of a batch are the same image.",
        "Whatever its label, the network sees one image: it can learn nothing.",
        "Look at __getitem__: it must return the image at the index that it was given.",
    ),
    "images-again": (
        "The same {n} images come again and again, of {there} that are there.",
        "In {drawn} images that were drawn there are only {n} different ones. The others are never "
        "learnt from.",
        "Look at the sampler: WeightedRandomSampler takes one weight for each image, as in "
        "class_weights[labels], not one for each class.",
    ),
    "first-batch-again": (
        "Every step trains on the first batch.",
        "next(iter(loader)) begins again each time, and the loader does not shuffle: in {n} steps, "
        "{n} times the same batch.",
        "Loop over the batches: for images, labels in loader.",
    ),
    "first-batch-again/left-over": (
        "Every step trains on the same images, whichever batch the loop has drawn.",
        "The loop draws {n} batches, and the model never gets them: it gets a variable that "
        "another cell has left.",
        "Give the model the names of the loop: for images, labels in loader: outputs = "
        "model(images).",
    ),
    "last-batch-only": (
        "Only the last batch of each epoch changes the weights.",
        "The loss of {n} batches is computed, and backward() is called once, after the loop: on "
        "the loss of the last one.",
        "Indent backward() and step(), so that they are in the loop over the batches.",
    ),
    "labels-numbered": (
        "The same number stands for different classes in {one} and {other}.",
        "'{label}' is {first} in one set and {second} in the other. What is learnt with one "
        "numbering is judged with another.",
        "Make the table of names and numbers once, e.g. sorted(set(names)), and give it to both.",
    ),
    "labels-all-alike": (
        "All labels are the same: {label}.",
        "A network that always gives this answer is right every time. Nothing else is learnt.",
        "Look at where the labels are made, and print some of them.",
    ),
    "classes-missing": (
        "No training image is of class {label}, but {split} has some. On purpose?",
        "{share:.0%} of the images that you evaluate on are of classes that are never "
        "learnt: the predictions for them are all wrong.",
        "Mix the images before they are split, or split each class by itself.",
    ),
    "imbalance": (
        "{share:.0%} of the training images are of one class. On purpose?",
        "Always answering this class is right so often that little else is learnt.",
        "Judge each class by itself; use WeightedRandomSampler, or weights in the loss.",
    ),
    "dataset-too-short": (
        "The training set says it has {n} items, but holds {there}.",
        "len() decides which items a loader asks for: the others never come.",
        "Let __len__ return the number of images.",
    ),
    "mostly-empty": (
        "Most of each training image is a single colour; validation images are not so.",
        "The augmentation removes more of the image than it leaves.",
        "Look at a few training images, and make the augmentation weaker.",
    ),
    "images-not-finite": (
        "The images contain NaN or infinite numbers.",
        "One NaN makes the loss NaN, and after the next step every weight.",
        "Look for a division by 0 in what prepares the images.",
    ),
    "bytes": (
        "The images are on the scale from 0 to 255.",
        "Inputs of hundreds make outputs, gradients and steps too large by as much.",
        "Divide by 255 first (ToTensor does), then normalise.",
    ),
    "bytes/normalised": (
        "The images are normalised, but they were never divided by 255.",
        "The mean and the standard deviation of Normalize are meant for numbers from 0 to 1; these "
        "images now go up to {high:.0f}.",
        "Scale first: ToTensor() divides by 255; in transforms.v2 it is ToDtype(torch.float32, "
        "scale=True).",
    ),
    "bytes-wrapped": (
        "The numbers of the images went round the end of a byte.",
        "In uint8, 100 - 127 is 229: dark pixels become bright ones. Turned back by a constant, "
        "the images are much smoother.",
        "Make floats of them first: images.astype(np.float32) - 127, or images.float() - 127.",
    ),
    "divided-twice": (
        "All images are nearly the same to the model.",
        "Their numbers hardly differ: divided by 255 twice, or by a standard deviation that is "
        "meant for bytes.",
        "ToTensor divides bytes by 255 already; after it, mean and std are below 1.",
    ),
    "divided-twice/constant": (
        "Every number of every image is the same.",
        "What the images show was lost on the way: floats between 0 and 1 that are turned into "
        "whole numbers (uint8, long) all become 0.",
        "Print images.min() and images.max() after each line that prepares them. Turn bytes into "
        "floats first, then divide by 255.",
    ),
    "normalised-twice": (
        "The images are normalised twice.",
        "Once puts them around 0; the second time moves them away again. Images that are "
        "normalised once, as perhaps in your evaluation, look strange to the network.",
        "Normalise in one place: in the transform, or in the loop, or in the loader.",
    ),
    "not-normalised": (
        "The images are not normalised. On purpose?",
        "A network learns faster from inputs around 0 with a standard deviation near 1.",
        "Subtract the mean and divide by the standard deviation: Normalize(mean, std).",
    ),
    "channels-last": (
        "The channels are on the last axis: {shape}.",
        "A convolution then mixes columns as if they were colours; the shapes happen to fit.",
        "images.permute(0, 3, 1, 2) makes [N, H, W, C] into [N, C, H, W].",
    ),
    "pixels-scrambled": (
        "The outputs are cut into rows of {classes} along the wrong axis.",
        "reshape keeps the order of the numbers. It turns [N, C, H, W] into rows of pixels of one "
        "class, not of the classes of one pixel: the loss compares what does not belong together.",
        "Hand cross_entropy the outputs [N, C, H, W] and the targets [N, H, W] as they are, or "
        "call outputs.permute(0, 2, 3, 1).reshape(-1, {classes}).",
    ),
    "targets-spoilt": (
        "The images are changed in place, and the loss compares the outputs with these same "
        "images.",
        "x = images is a second name, not a copy: what x += noise adds is in the target, too. The "
        "network learns to keep it.",
        "Make a new tensor: x = images + noise, or images.clone().",
    ),
    "channels-scrambled": (
        "The images are scrambled: [N, H, W, C] was reshaped into [N, C, H, W].",
        "reshape and view keep the order of the numbers and cut it differently: neighbours are no "
        "longer neighbours. The shape is right, but the images are not.",
        "Use permute(0, 3, 1, 2), which moves the axes.",
    ),
    "sideways": (
        "The images lie on their side: height and width are swapped.",
        "Square images fit either way. Images from elsewhere will stand upright.",
        "From [H, W, C] it is permute(2, 0, 1), not transpose(0, 2) or .T.",
    ),
    "differently-prepared": (
        "Training and validation images are prepared differently.",
        "The network is judged on numbers of a size that it never saw.",
        "Use the same ToTensor and Normalize for both; only augmentation differs.",
        "training: mean {mean:.2f}, std {std:.2f}; validation: mean {other:.2f}, std {spread:.2f}",
    ),
    "device": (
        "The batch is on {here}, the model on {there}.",
        "PyTorch does not move tensors by itself: the first layer breaks.",
        "images, labels = images.to({there!r}), labels.to({there!r}), in every step.",
    ),
    "dtype": (
        "The batch is {here}, the model {there}.",
        "PyTorch does not convert by itself: the first layer breaks.",
        "images = images.to({there}): numpy's floats are float64, PyTorch's float32.",
    ),
}

_ASKS = {
    "labels-changed", "class-weights-inverted", "loss-divided", "module-repeated", "norm-shared",
    "dropout-too-strong", "weight-decay", "momentum", "norm-momentum", "norm-of-one", "imbalance",
    "dataset-too-short", "mostly-empty", "not-normalised", "log-softmax-before-loss", "no-gradient",
    "relu-before-loss", "frozen", "learning-rate-zero", "average-unchanged",
    "best-by-reference", "targets-are-inputs", "joined-with-itself", "low-precision",
    "input-without-effect", "evaluates-another", "some-batches", "seeded-again",
    "warm-up-in-epochs", "average-slow", "second-best-counts", "penalty-too-strong",
    "nearly-the-same", "labels-unrelated", "stamp", "rate-for-momentum", "label-smoothing",
    "classes-missing", "learns-less", "places-without-effect", "outputs-too-small",
    "changes-class",
}  # fmt: skip
"""What may be on purpose: a question, not a fault."""

_AWAY = {"input-without-effect", "vanishing-gradient"}
CONSEQUENCES: dict[str, set[str]] = {
    **dict.fromkeys((
        "label-smoothing", "layer-in-forward", "low-precision", "outputs-dropped", "no-backward",
        "weight-decay", "softmax-before-loss", "sigmoid-before-loss", "outputs-too-small",
        "input-without-effect", "learns-less", "no-gradient",
    ), {"learning-rate-too-small"}),
    "changes-class": {"learns-less"}, "cut-below-zero": {"mostly-empty"},
    "dead-relu": {"input-without-effect"}, "frozen-not": {"learning-rate-too-large"},
    "rate-for-momentum": {"learning-rate-too-large", "dead-relu"},
    "overlap": {"nearly-the-same"}, "no-log-softmax": {"loss-negated"},
    **dict.fromkeys(("out-of-step", "channels-scrambled"), {"labels-unrelated"}),
    **dict.fromkeys(("label-range", "labels-all-alike"), {"classes-missing"}),
    "images-all-alike": {"labels-unrelated", "overlap"},
    "divided-twice": {"images-all-alike", "overlap", "dead-relu"},
    "bytes-wrapped": {"normalised-twice"},
    "shapes-broadcast": {"dead-relu", "learning-rate-too-small", "learning-rate-too-large"},
    "validation-learnt": {"training-in-eval-mode"},
    "training-in-eval-mode": {"initial-loss", "dead-relu", "learning-rate-too-large"},
    "penalty-too-strong": {"learning-rate-too-large", "learning-rate-too-small", "dead-relu"},
    "hidden-layers": {"layer-in-forward"}, "loss-divided": {"gradients-clipped"},
    "targets-out-of-reach": {"dead-relu", "learning-rate-too-small"},
    "clipped-too-early": {"learning-rate-too-large", "loss-not-finite", "gradient-not-finite"},
    "images-again": {"not-shuffled", "classes-missing"},
    "first-batch-again": {"labels-collapsed", "classes-missing"},
    **dict.fromkeys(("loss-summed", "not-divided"), {"dead-relu"}),
    "eps-vanishes": {"learning-rate-too-large", "loss-not-finite", "gradient-not-finite"},
    "images-mixed": {"no-log-softmax", "softmax-before-loss", *_AWAY},
    "equal-units": {"dead-relu", "learning-rate-too-small", "sigmoid-before-loss", *_AWAY},
    "initial-loss": {"dead-relu", "learning-rate-too-large", "input-without-effect"},
    "bytes": {"initial-loss", "dead-relu", "learning-rate-too-large", "loss-not-finite"},
    "no-zero-grad": {"learning-rate-too-large", "dead-relu"},
    **dict.fromkeys(
        ("targets-far-away", "loss-negated"), {"learning-rate-too-large", "learning-rate-too-small"}
    ),
}  # fmt: skip
"""What is not told where its cause was found."""

_ALL = CODE | LOSS | NETWORK | WEIGHTS | DATA | EVALUATION | LEARNING | AUGMENTATION


def found(kind: str, where: str = "", *, ask: bool | None = None, **values) -> Finding:
    """Return the finding of a kind: its sentences, with the values that were measured.

    ``ask`` makes it a question, or a fault, whatever the catalogue says.
    """
    text, short = kind, kind.partition("/")[0]
    if text.endswith("-before-loss") and text not in _ALL:  # softmax, sigmoid
        text, values = "squashed", {"function": short.removesuffix("-before-loss"), **values}
    what, why, fix, *seen = (_(sentence).format(**values) for sentence in _ALL[text])
    place = "; ".join(part for part in (where, *seen, values.get("seen")) if part)
    ask = short in _ASKS if ask is None else ask
    return Finding(short, what, place, why, fix.strip(), "question" if ask else "fault")
