"""cifar10.png: pictures of the drawn stand-in, ten of each class."""

import numpy as np

from draw.style import Sheet
from labkit.data.drawn import CLASSES, draw

EACH, SIDE, STEP, LEFT, TOP = 10, 64, 70, 142, 14
"""How many pictures a class shows; then in pixels: a picture, its place, where the first one is."""


def samples(each: int = EACH) -> dict[str, np.ndarray]:
    """Return the first drawn training pictures of each class, ``[each, 32, 32, 3]`` by name."""
    pictures = draw(train=each * len(CLASSES), test=0)
    labels = pictures.train_labels
    return {name: pictures.train_images[labels == i] for i, name in enumerate(CLASSES)}


def corner(row: int, column: int) -> tuple[int, int]:
    """Return where on the sheet a picture has its upper left corner."""
    return LEFT + column * STEP, TOP + row * STEP


def draw_sheet() -> Sheet:
    """Draw a row of pictures for each class, every pixel enlarged to a square."""
    rows = samples()
    alt = (
        "{n} rows of {each} small images drawn by code, one row for each class: {names}. Within "
        "a row the pose, size, colours, background and light change from image to image."
    ).format(n=len(rows), each=EACH, names=", ".join(rows))
    page = Sheet(856, 2 * TOP + STEP * len(rows) - (STEP - SIDE), alt=alt)
    for row, (name, images) in enumerate(rows.items()):
        page.write(LEFT - 16, corner(row, 0)[1] + SIDE / 2, name, 17, ha="right")
        for column, image in enumerate(images):
            page.pixels(image, *corner(row, column), SIDE)
    return page
