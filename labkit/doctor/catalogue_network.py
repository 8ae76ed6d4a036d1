"""What the doctor says about the network, its weights and how it learns: see catalogue."""

NETWORK = {
    "no-activation": (
        "There is nothing between the layers that is not linear: the whole network is linear.",
        "Several linear layers in a row can do no more than a single one.",
        "Put a ReLU after every layer but the last.",
    ),
    "sees-ahead": (
        "The output at a place depends on later places of the input, which it is to predict.",
        "In training it reads the answer from its input; when it is used, that input is not there "
        "yet. The loss is much too low.",
        "Give attention a causal mask: nn.Transformer.generate_square_subsequent_mask(length), or "
        "is_causal=True.",
    ),
    "input-without-effect": (
        "{share:.0%} of what enters the model has no effect on the output. On purpose?",
        "These numbers were exchanged for those of another example, and the output was the same. "
        "Perhaps a mask is upside down (True means: leave out), or a slice is wrong.",
        "key_padding_mask=(tokens == 0), if 0 is the padding.",
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
    "joined-with-itself": (
        "A tensor is joined with itself: cat gives {shape}. Is another one meant?",
        "The second half tells the network nothing new, and what was to be joined is not used: in "
        "a U-Net the fine map of the encoder.",
        "torch.cat([up, skip], dim=1), with skip from the way down.",
    ),
    "targets-out-of-reach": (
        "{share:.0%} of the targets lie where the outputs cannot get.",
        "The network ends with {function}, and these targets are outside of what it returns.",
        "Remove the last {function}, or bring the targets into its range.",
    ),
    "targets-far-away": (
        "The targets are of the size {size:.2g}; the outputs begin near {near:.2g}.",
        "Each step moves the outputs a little: it takes very long until they get there, and the "
        "first gradients are huge.",
        "Scale the targets: (targets - mean) / std, and turn the predictions back afterwards.",
    ),
    "targets-are-inputs": (
        "The targets are the inputs themselves. On purpose?",
        "A network that copies its input makes no error. To predict the next word it has to be "
        "asked about the next one.",
        "Shift them by one: inputs = words[:, :-1], targets = words[:, 1:].",
    ),
    "targets-empty": (
        "{share:.0%} of the targets are rows of zeros: they belong to no class.",
        "Such a row costs nothing whatever the answer is. One-hot rows that were made with a shift "
        "lose one class, and move all others.",
        "Use the class numbers themselves, or F.one_hot(labels, classes).float().",
    ),
    "targets-empty/several": (
        "Images with several labels are judged as if they had one.",
        "{share:.0%} of the targets name more than one class. cross_entropy makes the classes "
        "compete: the more of one, the less of the others.",
        "Let each class be a question of its own: nn.BCEWithLogitsLoss, and outputs > 0 for a yes.",
    ),
    "low-precision": (
        "The weights themselves are {dtype}.",
        "A step that is small beside its weight is lost in rounding: {share:.0%} of the weights "
        "are exactly as they were, after {n} steps.",
        "Keep the weights in float32, and use torch.autocast for half precision.",
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
    "norm-of-one/group": (
        "{layer} normalises each number by itself: it always gives 0, whatever the image.",
        "The mean of one number is the number itself. What it got, {shape}, is lost: nothing "
        "behind it can tell one image from another.",
        "Normalise over more than one number: before the pooling, or with fewer groups.",
    ),
    "norm-shared": (
        "One batch normalisation is used in several places: {names}.",
        "It keeps one mean and one variance for all of them, which fit none of them.",
        "Give each place a batch normalisation of its own.",
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
    "dropout-too-strong": (
        "{layer} drops {p:.0%} of the units. On purpose?",
        "p is the share that is dropped, not the share that is kept. Hardly anything gets through.",
        "Start with p between 0.1 and 0.5.",
    ),
    "weight-decay": (
        "The weight decay, {value:g}, is very strong. On purpose?",
        "Every step pulls all weights towards 0, more than the gradients can push back.",
        "Start with weight_decay between 0 and 0.01.",
    ),
    "momentum": (
        "The momentum is {value:g}: a step goes on for some {n} more steps.",
        "With so much momentum the weights swing back and forth over the valley.",
        "Start with momentum=0.9.",
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
    "eps-vanishes": (
        "The optimizer's eps is 0 in {dtype}.",
        "eps={eps:g} is too small a number for the model's type. Adam divides 0 by 0, and every "
        "weight becomes NaN, at any learning rate.",
        "Keep the weights in float32, and use torch.autocast for half precision.",
    ),
    "eps-too-large": (
        "The optimizer's eps, {eps:g}, is larger than the gradients: the steps are too short.",
        "Adam divides a gradient by its usual size plus eps. With a large eps, hardly anything is "
        "left of a step, even at a learning rate that would otherwise do.",
        "Leave eps out: it is there to avoid a division by 0, and 1e-8 is enough. {tried}",
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
    "rate-for-momentum": (
        "Learning rate and momentum look exchanged: lr={rate:g}, momentum={momentum:g}.",
        "The second argument of SGD is the learning rate, the third is the momentum.",
        "Name them: SGD(model.parameters(), lr={momentum:g}, momentum={rate:g}).",
    ),
    "class-weights-inverted/positive": (
        "pos_weight makes a rare label count for less: {weight:.2g}.",
        "For each image that has the label, {rare:.2g} have not. pos_weight multiplies the loss of "
        "those that have it, so that the others do not outweigh them.",
        "pos_weight = negatives / positives, label by label.",
    ),
    "targets-without-signs": (
        "The targets of {function} are not -1 and 1.",
        "A target of 0 takes away the part of the loss that it stands for, or turns it into "
        "something else: the network learns from one kind of example alone.",
        "targets = 2 * targets - 1 makes -1 and 1 of 0 and 1.",
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
    "learning-rate-zero/loaded": (
        "The optimizer was loaded, and its learning rate is 0 in every step of your loop.",
        "load_state_dict also brings back the learning rate of the moment when it was saved: "
        "here the end of a schedule. It replaces the one that the new optimizer was given.",
        'Set it after loading: for group in optimizer.param_groups: group["lr"] = 0.01. Or load '
        "the scheduler as well, if the old schedule is to go on.",
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

WEIGHTS = {
    "hidden-layers": (
        "The layers in {place} are not part of the model.",
        "PyTorch does not look into plain lists and dictionaries: parameters(), to(device) and "
        "state_dict() skip these layers, so they never learn.",
        "Wrap it: self.{name} = nn.ModuleList(...) or nn.ModuleDict(...).",
    ),
    "hidden-layers/tensor": (
        "{place} is a plain tensor: it is not part of the model.",
        "parameters(), to(device) and state_dict() know nothing of it, so it never learns.",
        "Make a parameter of it: self.{name} = nn.Parameter(...), or nn.ParameterList([...]).",
    ),
    "other-weights": (
        "The optimizer does not hold this model's weights.",
        "It was built for another model, or before these weights were replaced (by a new layer, a "
        "new model, a move to a device, a cell that was run again). It changes tensors that nobody "
        "uses, and the model stays as it is.",
        "Create the optimizer last: the model first, then .to(device), then "
        "{optimizer}(model.parameters(), ...).",
    ),
    "other-weights/some": (
        "The optimizer holds tensors that are not in the model ({n}).",
        "Perhaps a layer was replaced after the optimizer was created: the new one does not learn.",
        "Create the optimizer last: the model first, then .to(device), then "
        "{optimizer}(model.parameters(), ...).",
    ),
    "left-out": (
        "Some parameters are not in the optimizer ({n}).",
        "Gradients are computed for them, but step() never changes them: they do not learn.",
        "Give the optimizer model.parameters(). If the first layers are to stay as they are, call "
        "requires_grad_(False) on them: that says so, and saves the work.",
    ),
    "frozen": (
        "{n} of {total} parameters are frozen. On purpose?",
        "They have requires_grad=False: no gradient is computed, and they keep their values.",
        "If they should learn: parameter.requires_grad_(True), then create a new optimizer.",
    ),
    "frozen/last": (
        "The last layer is frozen, and layers before it learn. On purpose?",
        "{n} of {total} parameters have requires_grad=False. A new last layer starts with "
        "random weights, and keeps them: the layers before it can only adapt to them.",
        "Look at how the layers to freeze are chosen: the names in model.named_parameters() tell "
        "what the last layer is called.",
    ),
    "frozen/random": (
        "{n} of {total} parameters are frozen, and look as if they had never been trained.",
        "Their values are spread as PyTorch makes them: no weights were loaded into these layers, "
        "or loading skipped them. Frozen, they stay random for ever. On purpose?",
        "Load the trained weights first (strict=True says which names do not fit), or let these "
        "layers learn: parameter.requires_grad_(True), then create a new optimizer.",
    ),
    "frozen-not": (
        "A freeze that freezes nothing: {place} = ... is only a new attribute.",
        "PyTorch reads requires_grad of each parameter, spelt so. These weights keep learning.",
        "Use model.requires_grad_(False), or p.requires_grad = False for each parameter p.",
    ),
    "checkpoint-keys": (
        "{n} of {total} weights were not loaded, {more} in the checkpoint have no place.",
        "With strict=False, load_state_dict skips names that do not match, without an error. What "
        "was not loaded is still random.",
        "Load with strict=True and correct the names until it passes. If you replace the last "
        "layer on purpose, load first and replace it afterwards.",
    ),
    "checkpoint-keys/prefix": (
        "{n} of {total} weights were not loaded, {more} in the checkpoint have no place.",
        "With strict=False, load_state_dict skips names that do not match, without an error. What "
        "was not loaded is still random.",
        "The names in the file begin with {prefix!r}, from a wrapped model. Remove it: "
        "{{name.removeprefix({prefix!r}): value for name, value in weights.items()}}.",
    ),
    "left-out/loss": (
        "The loss function has weights of its own, and the optimizer does not hold them ({n}).",
        "They stay as they were made, at random: the network has to fit them.",
        "Give the optimizer both: [*model.parameters(), *loss_function.parameters()].",
    ),
    "checkpoint-keys/overwritten": (
        "Nothing in the model matches the checkpoint ({n} weights). On purpose?",
        "Names and shapes match, but none of the weights do: perhaps they were initialised again "
        "after they were loaded, by apply(init), by reset_parameters(), or by a new model.",
        "Load the checkpoint last, after everything else that changes weights.",
    ),
}
