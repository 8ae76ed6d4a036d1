"""What the doctor says about the network and how it learns: see catalogue."""

NETWORK = {
    "no-activation": (
        "There is nothing between the layers that is not linear: the whole network is linear.",
        "Several linear layers in a row can do no more than a single one.",
        "Put a ReLU after every layer but the last.",
    ),
    "input-without-effect/image": (
        "{share:.0%} of what enters the model has no effect on the output. On purpose?",
        "These numbers were exchanged for those of another image, and the output was the same: "
        "what they show can never be learnt.",
        "Follow the images through forward(), line by line: does each line use all of what "
        "the line before has computed?",
    ),
    "places-without-effect": (
        "The parts of an image may change places, and the output stays the same. On purpose?",
        "The network sees what is in an image, but not where: attention alone knows no order.",
        "Add positions to the patches before the first layer: x = x + self.places, with "
        "self.places = nn.Parameter(0.02 * torch.randn(1, patches, width)).",
        "tiles of {size} x {size} pixels",
    ),
    "layer-in-forward": (
        "A layer is created in forward(): its weights are new in each call.",
        "It is no part of the model, and never learns. The same image gets other outputs each "
        "time.",
        "Create it once, in __init__: self.layer = nn.Linear(...), or nn.LazyLinear if its size "
        "is not known.",
    ),
    "outputs-dropped": (
        "Dropout is the last layer: it drops the outputs themselves.",
        "In training, {p:.0%} of the logits are set to 0, also that of the right class.",
        "Remove it, or put it before the last layer.",
    ),
    "gradients-clipped": (
        "Clipping makes the gradients almost vanish: the steps are too short.",
        "Only {kept:.1e} of each gradient is left. Clipping is to cut off rare peaks.",
        "Clip to a larger norm, e.g. clip_grad_norm_(model.parameters(), 1.0). {tried}",
    ),
    "gradients-clipped/scaled": (
        "Clipping makes the gradients almost vanish: the steps are too short.",
        "Only {kept:.1e} of each gradient is left: it was clipped while the scaler had made it "
        "large, and made small again afterwards.",
        "Call scaler.unscale_(optimizer) before clip_grad_norm_.",
    ),
    "equal-units": (
        "All units of a layer have the same weights, and the same gradient.",
        "They stay the same for ever: the layer is as good as one unit.",
        "Leave the weights as PyTorch makes them, at random; only biases may start at 0.",
    ),
    "vanishing-gradient": (
        "Hardly any gradient arrives at the first layers.",
        "Each layer shrinks the gradient on its way back: the first layers do not learn.",
        "Use ReLU instead of sigmoid or tanh between the layers, with batch normalisation or "
        "residual connections in a deep network.",
        "relative to the weights, {ratio:.0e} of that of a later layer",
    ),
    "module-repeated": (
        "The same layer stands in several places: {names}.",
        "[block] * 3 repeats one block and makes no new ones: they share their weights and their "
        "statistics. On purpose?",
        "Create each one: nn.Sequential(*[make_block() for _ in range(3)]).",
    ),
    "images-mixed": (
        "The answer for an image depends on the other images of the batch.",
        "In evaluation mode, the same image alone and among others gets different outputs: an axis "
        "was confused with that of the batch.",
        "Keep the first axis for the images: flatten(1), softmax(dim=1), permute(0, ...), and "
        "batch_first=True only if the batch is the first axis.",
        "outputs differ by {by:.2g}",
    ),
    "active-in-eval": (
        "The model answers at random, even in evaluation mode.",
        "The same images get other outputs each time: something like dropout is never switched "
        "off, so the accuracy is too low and jumps.",
        "Use nn.Dropout, or F.dropout(x, training=self.training).",
    ),
    "weight-decay": (
        "The weight decay, {value:g}, is very strong. On purpose?",
        "Every step pulls all weights towards 0, more than the gradients can push back.",
        "Start with weight_decay between 0 and 0.01.",
    ),
    "norm-momentum": (
        "{layer} has momentum={value:g}.",
        "In PyTorch it is the share of the new batch (default 0.1), the other way round than in "
        "Keras: the statistics are those of the last batch only.",
        "Leave it out, or use 1 - {value:g}.",
    ),
    "norm-momentum/slow": (
        "{layer} has momentum={value:g}.",
        "In PyTorch it is the share of the new batch: after ten epochs, {left:.0%} of the "
        "statistics are still those from before the training, and the evaluation uses them.",
        "Leave it out: the default is 0.1.",
    ),
    "norm-of-one": (
        "Batch normalisation gets batches of {n}.",
        "So few images give no statistics: each is normalised by itself or one other, and in "
        "evaluation by other numbers.",
        "Use larger batches, or nn.GroupNorm.",
    ),
    "dead-relu": (
        "{share:.0%} of the units of a ReLU are dead.",
        "A unit that is 0 for every image gets no gradient: it stays dead.",
        "Start with new weights. If the units were dead from the start, look at the weights and "
        "biases before the ReLU and at the scale of the images; if not, at the learning rate.",
    ),
    "learning-rate-too-large": (
        "The learning rate, {rate}, is too large.",
        "Each step jumps over the valley and lands higher on the other side.",
        "Start again with new weights and a smaller learning rate. {tried}",
    ),
    "learning-rate-zero/little": (
        "A scheduler has set the learning rate to {rate:.1e}, and your loop leaves it there.",
        "That is {share:.2%} of what the optimizer was given: the start of a warm-up. Unless "
        "scheduler.step() is called, it stays so small. Is it called elsewhere?",
        "Call scheduler.step() after each optimizer.step(), if the warm-up counts steps.",
    ),
    "learning-rate-zero/factor": (
        "A scheduler begins at {share:.2%} of the learning rate, and never gets far above it.",
        "In {n} epochs the rate reaches at most {most:.2%} of what the optimizer was given. "
        "The function of a LambdaLR returns a factor, not a learning rate.",
        "Return a factor that begins at 1, such as 0.95**epoch.",
    ),
    "learning-rate-zero": (
        "The learning rate is 0 in every step of your loop.",
        "A step is the learning rate times the gradient: with 0 no weight changes. A scheduler "
        "that warms up from 0 must be stepped.",
        "Call scheduler.step() after each optimizer.step(), or start with lr=0.01.",
    ),
    "learning-rate-too-small": (
        "The learning rate, {rate}, is too small.",
        "At this pace nothing is learnt in any reasonable time.",
        "Multiply it by 10 until the loss falls. {tried}",
    ),
    "loss-not-finite": (
        "The loss is {loss} from the first batch on.",
        "NaN and infinity spread: one step, and every weight is NaN. No error is raised.",
        "Look there for a division by 0, a logarithm or a root of 0 or less, or an overflow. "
        "Weights that are NaN must be created again.",
    ),
    "gradient-not-finite": (
        "The loss is finite, but its gradient is not.",
        "The slope of a root or a norm at 0 is infinite. After the step the weights are NaN.",
        "Add a small number under the root, or clamp before the logarithm.",
        "it begins at {name}, on the way back",
    ),
}
