"""What the doctor says about the evaluation: see catalogue."""

_LIMIT = (
    "with all answers right, it says {{said:.3g}} if a no is {} and a yes {}, but {{true:.3g}} if "
    "they are {} and {}"
)

EVALUATION = {
    "evaluation-breaks": (
        "{error}",
        "Your evaluation was called as evaluate(model, batches), with your own batches.",
        "Read the message from its last line up. If two sizes differ, look at the axis: "
        "argmax(dim=1) gives one answer for each image.",
    ),
    "evaluating-in-train-mode": (
        "The model is in training mode while it is evaluated.",
        "Dropout drops units at random, and batch normalisation uses each batch's own statistics "
        "and learns from them. (A model without such layers does not mind, until it gets one.)",
        "Call model.eval() before, and model.train() when training goes on.",
    ),
    "gradients-in-evaluation": (
        "The evaluation keeps the record for backward().",
        "The record is of no use here and costs time and memory: a batch that fits otherwise may "
        "not fit.",
        "Put the loop under with torch.inference_mode(): (or torch.no_grad()).",
    ),
    "evaluation-trains": (
        "The evaluation changes the weights.",
        "Never learn from the images that you evaluate on: the number means nothing any more.",
        "No backward() and no step() in an evaluation.",
    ),
    "accuracy-of-batches": (
        "The accuracy is a mean over batches, not over images.",
        "The images of a short last batch weigh more than the others.",
        "Add up over all images, and divide once by their number at the end.",
        "your evaluation says {said:.3g} instead of {true:.3g}",
    ),
    "loss-of-batches": (
        "The loss is a mean over batches, not over images.",
        "The images of a short last batch weigh more than the others.",
        "Add up over all images, and divide once by their number at the end.",
        "your evaluation says {said:.3g} instead of {true:.3g}",
    ),
    "first-batch-only": (
        "Your evaluation judges by the first batch only.",
        "The number says nothing about the other images, and jumps when their order changes.",
        "Return after the loop over the batches, not inside it.",
        "your evaluation says {said:.3g} instead of {true:.3g}",
    ),
    "wrong-accuracy": (
        "Your evaluation counts wrongly.",
        "It was run on your batches with a model whose answers are known to be right or wrong.",
        "Compare predictions = outputs.argmax(dim=1) with labels, both [N]; add up the hits, and "
        "divide by the number of images that came.",
        "it says {said:.3g} where {true:.3g} is right",
    ),
    "wrong-accuracy/single": (
        "Your evaluation counts wrongly.",
        "It was run on your batches with a model that is always right, but not certain: its "
        "logits are 0.3 and -0.3, its probabilities 0.57 and 0.43.",
        "A logit above 0 is a probability above 0.5: compare outputs > 0, or "
        "torch.sigmoid(outputs) > 0.5, with the labels.",
        "it says {said:.3g} where {true:.3g} is right",
    ),
    "evaluation-remembers": (
        "Your evaluation still counts the images of the time before.",
        "It was called twice: once with all answers wrong, then with all of them right. Its "
        "counters go on from call to call, and the number is a mean over all epochs so far.",
        "Set the counters to 0 at the start: metric.reset(), or create them in the function.",
        "the second time it says {said:.3g} instead of {true:.3g}",
    ),
    "evaluation-remembers/more": (
        "Your evaluation still counts the images of the time before.",
        "It was called twice, with all answers right both times. A counter goes on from call to "
        "call, so the number grows.",
        "Set the counters to 0 at the start: metric.reset(), or create them in the function.",
        "the second time it says {said:.3g} instead of {true:.3g}",
    ),
    "two-orders": (
        "Predictions and labels come in two different orders.",
        "The loader shuffles: it gives another order in each loop, and none of them is that "
        "of its data set. So a prediction is compared with the label of another image.",
        "Take both from the same batch, in one loop; and do not shuffle the images that you "
        "evaluate on.",
        "your evaluation says {said:.3g} instead of {true:.3g}",
    ),
    "evaluates-another": (
        "Your evaluation judges a copy of the model that the training does not change.",
        "It calls another module with weights of the same shapes, e.g. a deepcopy from before the "
        "training. The number stays what it was then.",
        "Call the model that evaluate(model, batches) is given. If the copy is to be an average "
        "of its weights, change it in place: ema.mul_(decay).add_(weight, alpha=1 - decay).",
    ),
    "evaluates-training": (
        "Your evaluation looks at the training images only.",
        "The network is asked about images that it was trained on: what it knows by heart counts "
        "as understood, and the accuracy is too high.",
        "Loop over the batches that evaluate(model, batches) is given.",
    ),
    "average-slow": (
        "Your evaluation judges an average of the weights that hardly follows them. On purpose?",
        "After {n} epochs of this length, about {left:.0%} of it would still be the weights from "
        "before the training.",
        "Use a smaller decay, such as 0.99, or one that grows: min(decay, (1 + step) / (10 + "
        "step)).",
    ),
    "second-best-counts": (
        "Your evaluation also counts an answer as right where it is only second best. On purpose?",
        "That is a top-k accuracy: with 5 of 10 classes, guessing is right half of the time.",
        "The accuracy compares outputs.argmax(dim=1) with the labels. If top-k is meant, say so "
        "beside the number.",
    ),
    "wrong-accuracy/measure": (
        "The number that your evaluation gives is none of the usual measures. On purpose?",
        "It was run on your batches with a model whose answers are known. Accuracy, recall, "
        "precision and F1, as a mean over classes or images, would be other numbers.",
        "Work it out by hand for three images, two of them classified correctly, and compare.",
        "for one of these runs it says {said:.3g}",
    ),
    "recall-is-precision": (
        "What your evaluation calls the recall is the precision.",
        "It was run on your batches with a model whose answers are known. Of the images of a "
        "class, the recall is the share that is recognised; of the answers that name the class, "
        "the precision is the share that is right.",
        "With the true classes in the rows of the table, the recall is table.diag() / "
        "table.sum(1), and the precision table.diag() / table.sum(0).",
        "it says {said:.3g} where the recall is {true:.3g}",
    ),
    "wrong-accuracy/probabilities": (
        "Your evaluation counts every probability above 0 as a yes.",
        "The model ends in a sigmoid: its outputs are probabilities already. A second sigmoid "
        "makes all of them larger than 0.5, and they are above 0 anyway.",
        "Compare the outputs with 0.5 as they are: outputs > 0.5.",
        _LIMIT.format("0.001", "0.999", "0", "1"),
    ),
    "wrong-accuracy/logits": (
        "Your evaluation compares logits with 0.5.",
        "The loss function treats the outputs as logits, and a logit of 0.5 is a probability of "
        "0.62: with a little less than that, a yes counts as a no.",
        "A logit above 0 is a probability above 0.5: compare outputs > 0, or "
        "torch.sigmoid(outputs) > 0.5, with the labels.",
        _LIMIT.format("-0.499", "0.499", "-0.501", "0.501"),
    ),
    "loss-against-evaluation": (
        "The loss and the evaluation give the label {label} opposite meanings.",
        "Your evaluation counts a pair with this label as right when its two members are near "
        "each other, but the loss pushes them apart: it is {cost:.3g} for such pairs, and "
        "{other:.3g} the other way round.",
        'Check which label means "same" in the loss and which in the evaluation, and use '
        "1 - labels in one of them.",
    ),
    "evaluation-blind": (
        "Your evaluation says the same whether all answers are right or all are wrong.",
        "It was run on your batches with a model whose answers are known. Perhaps it looks at "
        "values instead of indices, or at another model.",
        "torch.max(outputs, 1) returns values and indices: compare the indices with the labels.",
        "it says {said:.3g} both times",
    ),
}

_TRIED = (
    "Tried on copies, for {n} batches each: after your training, {own:.0%} of the "
    "evaluation images are right; after the other training, {other:.0%}."
)
_WITH = ("With {part} instead of what you have, the network learns more. On purpose?", _TRIED)
_LINE = (
    "Read this line again: does it do what you meant it to do? It was tried with what stands "
    "after the arrow."
)

LEARNING = {
    "penalty-too-strong/sum": (
        "One part of the loss is a sum over the batch, and another is a mean.",
        "With half of the batch, the sum is half as large, and the mean stays the same. At first "
        "the sum is {part:.0%} of the whole loss, and even more with more images: the mean counts "
        "for little.",
        'Reduce both alike, e.g. reduction="sum" for both, and divide by len(images) at the end.',
    ),
    "learns-less/line": (
        "With one line changed, the network learns more. On purpose?",
        _TRIED,
        _LINE,
    ),
    "learns-less/drawn": (
        "With one line changed, the training images teach more. On purpose?",
        "A quick classifier gets {own:.0%} of the evaluation images right if it is fitted "
        "to the training images as they come, {other:.0%} with the change.",
        _LINE,
    ),
    "learns-less/few": (
        "There are only {n} images to learn from. On purpose?",
        "A quick classifier that is fitted to them gets {own:.0%} of the evaluation images right; "
        "fitted to half of the evaluation images, of which there are more, it gets {other:.0%} of "
        "the other half right.",
        "Look for what cuts the training set: a Subset, a slice, a list of a few batches that was "
        "meant for a trial.",
    ),
    "learns-less/all": (
        *_WITH,
        "Replace one part after another by its plain counterpart: the one with which the "
        "network begins to learn is the cause.",
    ),
    "learns-less/loop": (
        *_WITH,
        "Go through your loop line by line: does anything happen to the images, the labels "
        "or the gradients that should not happen?",
    ),
    "learns-less/loss": (
        *_WITH,
        "Look at your loss function: the more probable the right class, the smaller it has to be.",
    ),
    "learns-less/optimizer": (
        *_WITH,
        "Look at what makes the steps long or short: the learning rate, momentum, weight decay, a "
        "scheduler, a factor in the loss.",
    ),
    "learns-less/start": (
        *_WITH,
        "Leave the weights as PyTorch makes them, at random; only biases may start at 0.",
    ),
    "outputs-too-small": (
        *_WITH,
        "Look at the end of forward(): outputs that are divided, e.g. by a temperature, are too "
        "small to learn from.",
    ),
    "learns-less/evaluation": (
        "Your evaluation shows less than the network can do. On purpose?",
        "On copies that were trained for {n} batches, {own:.0%} of the images are right in your "
        "evaluation, and {other:.0%} in a plain loop over the same batches.",
        "Prepare the images as in training, and use the model that was trained, in evaluation "
        "mode.",
    ),
    "learns-less/network": (
        "The network learns less than a quick classifier. On purpose?",
        "A linear classifier on random filters gets {other:.0%} of the evaluation images right; "
        "the network {own:.0%}, also with a plain loop, cross-entropy and Adam.",
        "Look for what it throws away: the places (a transformer without positions), the "
        "colours, or nearly everything in a narrow layer.",
    ),
    "learns-less/augmented": (
        "The augmentation turns training images into images of another class. On purpose?",
        "A quick classifier gets {own:.0%} of the evaluation images right if it is fitted "
        "to the training images as they come, {other:.0%} if these get the transform of the "
        "evaluation images.",
        "Leave out what changes the class: a flip turns arrows, digits and letters into others.",
    ),
    "learns-less/data": (
        "What the training images teach is not what you evaluate. On purpose?",
        "A quick classifier gets {own:.0%} of the evaluation images right if it is fitted "
        "to the training images, {other:.0%} if it is fitted to half of the evaluation "
        "images.",
        "Look at some images of each class in both sets: are they prepared alike, are the "
        "classes numbered alike, do the labels fit the images?",
    ),
}
