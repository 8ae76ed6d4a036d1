"""The scripts that draw `images/`: one module per picture, `style` for what they share."""

from draw import (
    convolution,
    first_run,
    landscape,
    network,
    pipeline,
    pooling,
    recorded,
    sampler,
    splits,
    tensor,
)

PICTURES = {
    "answers.png": first_run.draw,
    "tensor.png": tensor.draw,
    "batch.png": tensor.draw_batch,
    "pipeline.png": pipeline.draw,
    "splits.png": splits.draw,
    "cifar10.png": sampler.draw_sheet,
    "cnn.gif": convolution.slide,
    "channels.gif": convolution.span,
    "maxpool.png": pooling.draw,
    "net.png": network.draw,
    "loss.gif": landscape.draw,
    "training_curve.png": recorded.draw_curve,
    "class_accuracy.png": recorded.draw_accuracy,
    "confusion_matrix.png": recorded.draw_confusion,
}
"""What `make images` draws: a file name, and the function that returns it with its alt text."""

WORDLESS = {"cifar10.png"}
"""What is the same in every language."""

SCREENSHOTS = {
    "widget.png": (
        "The convolution explorer: a 5 x 5 window on a 32 x 32 image of a bird, and beside it "
        "the pixels, the kernel and their products for red, green and blue. Their sums and the "
        "bias add up to one number of the output, 0.523, which is drawn as far as the window has "
        "come: the outline of the bird's head and back."
    ),
}
"""What `python -m tests.browser.portrait` takes in a browser, and what is seen in it."""
