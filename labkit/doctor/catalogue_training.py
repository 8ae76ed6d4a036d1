"""What the doctor says about training code and the loss function: see catalogue."""

_STAYS = (
    "Dropout drops nothing, and batch normalisation uses old statistics instead of those of "
    "the batch.",
    "Call model.train() after each evaluation, before you go on training.",
)

CODE = {
    "breaks": (
        "{error}",
        "Nothing after this line was run, so the doctor has not seen the rest.",
        "Read the message from its last line up; fix this first, then ask the doctor again.",
    ),
    "breaks/layer": ("{error}", "{layer} got {got}; it expected {expected}.", "{change}"),
    "reaches-past": (
        "{function}() changes something that it was not given.",
        "It was called with copies, and the originals changed: it trains another model than the "
        "one in its arguments. (The originals have been restored.)",
        "Use only what comes in as an argument.",
    ),
    "another-copy": (
        "Your code trains another model: this one never changes.",
        "The optimizer that takes the steps holds a copy, or a model that was built elsewhere. "
        "What you evaluate afterwards is the untrained model.",
        "Train the model itself, without deepcopy or a new model inside; or return the trained one "
        "and evaluate that.",
    ),
    "no-step": (
        "The optimizer never takes a step, in {n} batches.",
        "backward() only computes gradients. Without step() no weight ever changes.",
        "Call optimizer.step() after loss.backward(). If you accumulate gradients, do it over "
        "fewer batches than an epoch has.",
    ),
    "nothing-moves": (
        "After {n} batches of your own loop, no weight of the model has changed.",
        "p = p - lr * p.grad makes a new tensor and leaves the model as it was.",
        "Change the weights in place, under torch.no_grad(): p -= lr * p.grad.",
    ),
    "gradients-lost": (
        "Most gradients are thrown away: {backwards} times backward(), {steps} times step().",
        "They are cleared before a step has used them, so most batches teach nothing.",
        "Call optimizer.step() after each loss.backward(): look at its indentation and at any if "
        "before it. Or clear the gradients only after a step has used them.",
    ),
    "optimizer-recreated": (
        "A new optimizer takes each step.",
        "Momentum, and Adam's averages, begin at zero each time: they never work.",
        "Create the optimizer once, before the loop.",
    ),
    "no-backward": (
        "No gradient is ever computed.",
        "step() uses the gradients that backward() leaves. Without them it does nothing.",
        "Call loss.backward() before optimizer.step(), on a loss that is made of the outputs: "
        "argmax(), detach(), item() and numpy cut the way back.",
    ),
    "step-before-backward": (
        "step() comes before backward().",
        "The step uses the gradients of the batch before, or none at all: what this batch teaches "
        "comes late or is thrown away.",
        "The order is zero_grad(), forward, loss, backward(), step().",
    ),
    "cleared-too-late": (
        "zero_grad() comes between backward() and step().",
        "It throws away the gradients that backward() has computed: the step has none.",
        "Call zero_grad() before backward(), best as the first line of the step.",
    ),
    "no-zero-grad": (
        "The gradients are not cleared between the steps.",
        "backward() adds to what is there. Each step then follows the sum over all batches so far, "
        "which grows and grows.",
        "Call optimizer.zero_grad() in each step, before loss.backward().",
    ),
    "no-gradient": (
        "No gradient reaches some parameters ({n}).",
        "forward() or the loss does not use them, e.g. because a second loss replaces the first; "
        "or the way back to them is cut: by detach(), .data, numpy or no_grad(). They never learn.",
        "Use them in forward(), add up all losses, and do not cut the graph; or take them out "
        "of the model.",
    ),
    "training-in-eval-mode": (
        "The model is in evaluation mode while it trains.",
        "Dropout drops nothing, and batch normalisation uses old statistics instead of those of "
        "the batch. (A model without such layers does not mind, until it gets one.)",
        "Call model.train() after each evaluation, before you go on training.",
    ),
    "training-in-eval-mode/after": (
        "After an evaluation, the model keeps training in evaluation mode.",
        *_STAYS,
    ),
    "training-in-eval-mode/again": (
        "If it is called again after an evaluation, it trains in evaluation mode.",
        *_STAYS,
    ),
    "best-by-reference": (
        "A state_dict() is kept while the training goes on. Is it meant as a copy?",
        'It refers to the weights themselves and changes with every step, so the "best" weights '
        "that you keep turn out to be the last ones.",
        "best = copy.deepcopy(model.state_dict())",
    ),
    "average-unchanged": (
        "Beside the model there is another one of the same shape, which your loop never changes.",
        "If it is to be an average of the weights (EMA), or a copy that follows, it stays as it "
        "was. ema = decay * ema + ... makes a new tensor and leaves the old one.",
        "Change its weights in place: ema.mul_(decay).add_(weight, alpha=1 - decay).",
    ),
    "average-unchanged/statistics": (
        "A copy follows the model's weights, but its batch norms keep their first statistics.",
        "Running means and variances are buffers, not parameters: an average of the weights "
        "(EMA) that leaves them out normalises with 0 and 1, and is far worse than it could be.",
        "Copy average.buffers() from model.buffers(), too, or call update_bn(loader, average) "
        "before the average is evaluated.",
    ),
    "clipped-too-early": (
        "The gradients are clipped before backward(): there is nothing to clip yet.",
        "The step uses the gradients that backward() makes afterwards, whatever their size.",
        "Call clip_grad_norm_ between loss.backward() and optimizer.step().",
    ),
    "graph-kept": (
        "The graphs of earlier batches are kept alive.",
        "A loss is a tensor that holds the record of how it was computed. Added up or put into a "
        "list, it keeps that record for every batch, and the memory grows.",
        "Add up loss.item(), or keep loss.detach().",
        "{n} of them at one time",
    ),
    "scheduler-per-batch": (
        "The learning rate falls to almost nothing within the first epochs.",
        "The scheduler counts epochs, but step() is called after every batch: from {first:.3g} the "
        "learning rate falls to {last:.3g} in {n} batches, and then nothing is learnt.",
        "Call scheduler.step() once per epoch, after the loop over the batches; or give the "
        "scheduler numbers of batches.",
    ),
    "plateau-upside-down": (
        "ReduceLROnPlateau looks in the wrong direction: mode={mode!r}.",
        "A loss is better when it falls (mode='min'), an accuracy when it rises (mode='max'). The "
        "other way round, good epochs count as bad ones, and the learning rate is cut.",
        "Use mode='max' for an accuracy, or give it the validation loss with mode='min'.",
    ),
    "warm-up-in-epochs": (
        "After {n} epochs the learning rate would be only {share:.1%} of what it is to become.",
        "Your loop steps the scheduler once per epoch. Perhaps its warm-up counts batches.",
        "Call scheduler.step() after each optimizer.step(), if the warm-up counts steps.",
    ),
    "validation-learnt": (
        "Your loop also learns from the images that you evaluate on.",
        "Never learn from the images that you evaluate on: the number means nothing any more.",
        "Call backward() and step() in the training phase only.",
    ),
    "some-batches": (
        "Your loop ends after {n} of {there} batches. On purpose?",
        "The other images are never learnt from. Perhaps a return or a break stands inside the "
        "loop.",
        "Return after the loop over the batches, not inside it.",
    ),
    "second-time-idle": (
        "When your loop is called again, it gets no batch.",
        "An iterator, such as iter(loader), is used up after one pass. From the second epoch on, "
        "nothing is trained, and no error is raised.",
        "Loop over the batches: for images, labels in loader.",
    ),
    "weights-reset": (
        "Each call of your loop begins with the first weights again.",
        "What the epoch before has learnt is thrown away.",
        "Create the model, or load weights into it, once: before the loop over the epochs.",
    ),
    "weights-reset/after": (
        "After your loop the weights are exactly as they were before it. On purpose?",
        "The optimizer did change them, in {n} steps, but then they were put back: e.g. the "
        '"best" weights, copied before the first epoch and never replaced.',
        "Keep a copy whenever the result is better than the best so far, and store that result "
        "too: best, best_state = result, copy.deepcopy(model.state_dict()).",
    ),
    "seeded-again": (
        "Each call of your loop draws the same random numbers. On purpose?",
        "If a seed is set inside, every epoch has the same order, the same augmentation and the "
        "same dropout.",
        "Set the seed once, before the loop over the epochs.",
    ),
    "scheduler-of-another": (
        "The scheduler changes the learning rate of another optimizer.",
        "It was created for an optimizer that takes no step here, as happens when the cell of the "
        "optimizer is run again, but not that of the scheduler.",
        "Create the scheduler after the optimizer: run both cells again, in this order.",
    ),
}

_NO_LOGS = (
    "{function} gets {what}, not log-probabilities.",
    "It expects log-probabilities. With anything else it can fall without limit.",
)

LOSS = {
    "squashed": (
        "A {function} stands before CrossEntropyLoss.",
        "CrossEntropyLoss takes logits and applies the softmax itself. Numbers between 0 and 1 are "
        "logits that hardly differ: the loss cannot come near 0, and learning is slow.",
        "Remove the {function}: give the loss function the output of the last layer.",
    ),
    "log-softmax-before-loss": (
        "A log-softmax stands before CrossEntropyLoss.",
        "CrossEntropyLoss takes the log-softmax itself. A second one changes no number, so the "
        "loss is right; but the work is done twice, and the model returns no logits.",
        "Return the logits as they are, or keep log_softmax and use nn.NLLLoss.",
    ),
    "relu-before-loss": (
        "The logits are never negative: a ReLU stands after the last layer.",
        "A class whose logit is cut off at 0 gets no gradient, and can never be called unlikely.",
        "Return the output of the last layer as it is.",
    ),
    "no-log-softmax": (
        *_NO_LOGS,
        "Return the logits and use nn.CrossEntropyLoss, which does both in one.",
    ),
    "no-log-softmax/kl": (
        *_NO_LOGS,
        "F.kl_div(F.log_softmax(outputs, dim=1), probabilities, reduction='batchmean')",
    ),
    "width": (
        "The model has {width} outputs for {classes} classes.",
        "With too few outputs, the loss breaks when a label without one comes. With too many, "
        "classes that never occur take part of the probability.",
        "Give the last layer as many outputs as there are classes: nn.Linear(..., {classes}).",
    ),
    "one-hot": (
        "The labels are one-hot, of shape {shape}.",
        "CrossEntropyLoss takes class numbers, int64 [N]. One-hot labels as floats pass as "
        "probabilities, but predictions == labels compares [N] with [N, C], and the accuracy is "
        "wrong. As integers they break.",
        "labels = labels.argmax(dim=1)",
    ),
    "label-type": (
        "The labels are {dtype}, not whole numbers.",
        "The label says which output is the correct one: a class number, int64 [N].",
        "labels = labels.long()",
    ),
    "label-range": (
        "The labels go from {low} to {high}; {classes} outputs stand for 0 to {last}.",
        "A label without an output breaks the loss, on a GPU with a message that names another "
        "place. With one output too many it passes, and class 0 never occurs.",
        "Count the labels from 0. If they start at 1: labels = labels - 1.",
    ),
    "labels-collapsed": (
        "The loss gets only {n} different labels, where the batches have {there}.",
        "What happens between loader and loss makes classes equal: the network learns to answer "
        "always the same.",
        "Give the loss the labels as they come. Only images are divided, never labels.",
    ),
    "labels-changed": (
        "The loss gets other labels than the batches hold. On purpose?",
        "Class {before} becomes class {after}. What is trained and what is judged then differ.",
        "Give the loss the labels as they come; F.one_hot(labels, classes) needs no shift.",
    ),
    "mixed-labels": (
        "Images are mixed with others of the batch, but their labels are not.",
        "{share:.0%} of an image comes from another one, whose label the loss never gets.",
        "Mix the losses too: share * loss(outputs, labels) + (1 - share) * loss(outputs, "
        "other_labels).",
    ),
    "mixed-labels/turned": (
        "The shares of the two labels are the wrong way round.",
        "{share:.0%} of an image comes from another one; the label of that other image gets a "
        "weight of {weight:.0%}.",
        "Give the image's own label the share that is left of the image: for a box cut out of "
        "another one, 1 - area of the box.",
    ),
    "penalty-too-strong": (
        "What is added to the loss is {times:.0f} times as large as the loss itself. On purpose?",
        "The optimizer makes the sum small: it shrinks the weights instead of learning the labels.",
        "Make the penalty smaller than the loss: for a sum over all weights, start with a factor "
        "of 1e-5.",
    ),
    "out-of-step": (
        "Images and labels are out of step: the images are reordered, their labels are not.",
        "Each image is trained with the label of another one. The network can only guess.",
        "Use the same order for both: images[order], labels[order].",
    ),
    "label-smoothing": (
        "label_smoothing={value:g} takes most of each label away. On purpose?",
        "This number is the share that is spread over all classes, not the one that is "
        "kept: the label itself keeps only {left:.0%} and its part of the rest.",
        "Start with label_smoothing=0.1, or leave it out.",
    ),
    "label-ignored": (
        "The loss ignores class {label}: ignore_index={label}.",
        "{share:.0%} of the images teach nothing, and this class is never learnt.",
        "Leave ignore_index out: its default, -100, is no class.",
    ),
    "label-ignored/weight": (
        "The loss ignores class {label}: its weight is 0.",
        "{share:.0%} of the images teach nothing, and this class is never learnt.",
        "Use weights that fall with the count: counts.sum() / (classes * counts).",
    ),
    "class-weights-inverted": (
        "The class weights favour the classes that are frequent already.",
        "They should balance rare classes; these make the imbalance worse.",
        "Use weights that fall with the count: counts.sum() / (classes * counts).",
    ),
    "shapes-broadcast": (
        "{function} compares outputs {outputs} with targets {targets}.",
        "PyTorch repeats the smaller one until both fit. Every output is then compared with every "
        "target, and the network learns the mean of all targets.",
        "Make both shapes equal: targets[:, None], or outputs.squeeze(1).",
    ),
    "loss-negated": (
        "The loss is turned around: backward() is called on minus the loss.",
        "The optimizer goes downhill. With the sign changed it makes the loss as large as it can.",
        "Call loss.backward() on the loss itself.",
    ),
    "loss-negated/asked": (
        "The loss function has the wrong sign.",
        "It is {good:.3g} where all answers are right, and {bad:.3g} where all are wrong. The "
        "optimizer goes downhill: it learns to be wrong.",
        "Return minus the mean log-probability of the right class, or use nn.CrossEntropyLoss.",
    ),
    "loss-negated/cheap": (
        "The loss is smaller where the answers are wrong.",
        "It is {good:.3g} where all answers are right, and {bad:.3g} where all are wrong. The "
        "optimizer goes downhill: it learns to be wrong.",
        "Work it out by hand for one right and one wrong answer: which factor makes the wrong one "
        "cheap? A weight such as p is often meant as 1 - p.",
    ),
    "sigmoid-before-loss/twice": (
        "A sigmoid stands before BCEWithLogitsLoss.",
        "BCEWithLogitsLoss applies the sigmoid itself. After two of them no probability is under "
        "0.5: the network cannot say no.",
        "Remove the sigmoid: give the loss function the output of the last layer.",
    ),
    "not-divided": (
        "The gradients of {n} batches are added up, and not divided.",
        "Each step is {n} times as long as with the mean. {tried}",
        "Divide the loss: (loss / {n}).backward().",
    ),
    "loss-divided": (
        "The loss is divided by the number of images twice.",
        "The loss function returns the mean already. Divided by {n} once more, each step is "
        "{n} times too short.",
        "Remove the division, or give the loss function reduction='sum'.",
    ),
    "loss-summed": (
        "The loss is a sum over the images, and the learning rate does not fit it.",
        "With reduction='sum' gradients are as many times larger as there are images in a batch.",
        "Use the default, reduction='mean'; or divide the learning rate by the batch size. {tried}",
    ),
    "initial-loss": (
        "The first loss is {loss:.3g}: guessing would give {guess:.2f}.",
        "The fresh network is certain, and wrong. Its weights, or the images, are much too large; "
        "no learning rate repairs that.",
        "Leave the weights as PyTorch makes them, or scale them: nn.init.kaiming_normal_(weight).",
    ),
}
