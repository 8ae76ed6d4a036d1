"""The scripts that draw `images/`: one module per picture, `style` for what they share."""

from draw import convolution, landscape, network, pipeline, pooling, sampler, splits, tensor

PICTURES = {
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
}
"""What `make images` draws: a file name, and the function that returns it with its alt text."""
