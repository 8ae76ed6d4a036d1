"""What the doctor says about random changes of training images, and about splits: see catalogue."""

AUGMENTATION = {
    "cut-below-zero": (
        "All that is below 0 is cut off in the training images, and not in the validation images.",
        "{share:.0%} of the numbers are exactly 0: after Normalize, an image is mostly from -2 to "
        "2, and a transform for images, such as ColorJitter, cuts it to 0 to 1.",
        "Put such transforms before Normalize, best before ToTensor.",
    ),
    "mask-left-behind": (
        "Many masks do not line up with their training images: they are shifted or turned at "
        "random.",
        "Shifted or turned back, they fit their images much better. If image and mask are flipped "
        "or cropped one after the other, each gets its own random draw.",
        "Draw once, and do the same to both: if flip: image, mask = image.flip(-1), mask.flip(-1); "
        "or place = RandomCrop.get_params(image, size) for both crops.",
    ),
    "changes-class": (
        "The augmentation makes images of {one!r} look like images of {other!r}. On purpose?",
        "A quick classifier that knows the plain images of both takes at least {share:.0%} of the "
        "augmented ones of each for the other. They keep their labels, so the network cannot "
        "learn to tell the two apart.",
        "Leave out what changes the class, or make it smaller: a flip turns arrows, digits and "
        "letters into others, and so does a large rotation. Or change the label with the image.",
    ),
    "split-again": (
        "Your loop splits the images again whenever it is called.",
        "{share:.0%} of the images that it evaluates on in the second epoch were trained on in the "
        "first. After a few epochs the network knows all of them by heart, and the accuracy is "
        "too high.",
        "Split once, before the loop over the epochs, and hand over a loader for each part.",
    ),
    "best-by-reference/copy": (
        "What copy.copy(model) returned is kept while the training goes on. Is it meant as a copy?",
        'It is another module with the same weights, and changes with every step, so the "best" '
        "model that you keep turns out to be the last one.",
        "best = copy.deepcopy(model)",
    ),
    "seeded-again/item": (
        "Reading a training image sets the seed. On purpose?",
        "The random crop or flip of an image is then the same in every epoch. Dropout draws from "
        "the same generator: with one seed for all images, it drops the same units in every step.",
        "Set the seed once, before the loop over the epochs. What has to be the same each time "
        "gets a generator of its own: torch.Generator().manual_seed(index).",
    ),
}
