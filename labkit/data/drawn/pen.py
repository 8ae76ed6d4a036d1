"""A small rasteriser: paints antialiased shapes on a whole stack of images at once.

A shape is its signed distance to each pixel, measured in pixels: negative inside, positive
outside. Half a pixel around zero is the soft edge. Only + - * / and square roots of float32 are
used, element by element, which IEEE 754 rounds in the same way on every machine; so the images
have the same bytes everywhere, with any version of NumPy, and no drawing library is involved.

The code reads as if it drew one image. The numbers in it are arrays with one entry per image:
scalars ``[N, 1, 1, 1]``, colours ``[N, 3, 1, 1]``, coordinates ``[N, 1, H, W]``.
"""

import copy

import numpy as np


def rotation(angle):
    """Return cosine and sine of an angle of about ``angle`` radians, at most a quarter turn.

    Computed from the tangent of the half angle, with exact arithmetic only: the library functions
    for sine and cosine differ in the last bit from one processor to the next.
    """
    tangent = angle / 2 * (1 + angle * angle / 12)
    scale = 1 / (1 + tangent * tangent)
    return (1 - tangent * tangent) * scale, 2 * tangent * scale


class Pen:
    """Paint in a frame of its own: x to the right, y upwards, the image from -1 to 1.

    ``canvas`` is float32 ``[N, 3, H, W]`` with values 0..1 and is painted in place. ``at`` gives a
    pen for the same canvas in a moved, turned or enlarged frame: an arm, a head, a wheel.
    """

    def __init__(self, canvas):
        height, width = canvas.shape[-2:]
        steps = (np.arange(width, dtype=np.float32) + 0.5) * (2 / width) - 1
        self.canvas, self.light = canvas, 1.0
        self.x, self.y = steps[None, None, None, :], -steps[None, None, :height, None]
        self.pixel = np.array([2 / width], dtype=np.float32)

    def _moved(self, x, y, pixel) -> "Pen":
        pen = copy.copy(self)
        pen.x, pen.y, pen.pixel = x, y, pixel
        return pen

    def at(self, x=0.0, y=0.0, *, turn=None, grow=1.0, flip=1.0, lean=0.0) -> "Pen":
        """Return a pen for a frame within this one.

        x, y: its origin (default: the same)
        turn: radians, anticlockwise (default: none)
        grow: how many times as large it is (default: 1)
        flip: -1 swaps left and right (default: 1)
        lean: how far to the right its top is moved, as a part of its height (default: 0)
        """
        right, up = self.x - x, self.y - y
        if turn is not None:
            cos, sin = rotation(turn)
            right, up = right * cos + up * sin, up * cos - right * sin
        up = up / grow
        right = right / (grow * flip) - lean * up
        return self._moved(right, up, self.pixel / grow)

    def mirrored(self) -> "Pen":
        """Return a pen whose every stroke at (x, y) is made at (-x, y) too: ears, eyes, wheels."""
        return self._moved(np.abs(self.x), self.y, self.pixel)

    # Shapes: each returns the distance to every pixel, to be given to `paint`.

    def oval(self, x, y, width, height):
        """Return an ellipse around (x, y) with these half axes."""
        right, up = (self.x - x) / width, (self.y - y) / height
        right, up = right * right, up * up
        slope = np.sqrt(right / (width * width) + up / (height * height) + 1e-6)
        return (right + up - 1) / (slope * (2 * self.pixel))

    def limb(self, x0, y0, x1, y1, start, end=None):
        """Return a thick line with round ends.

        x0, y0, x1, y1: where it begins and ends
        start, end: half of how thick it is there (default of the end: as at the start)
        """
        end = start if end is None else end
        right, up = self.x - x0, self.y - y0
        across, rise = x1 - x0, y1 - y0
        along = (right * across + up * rise) * (1 / (across * across + rise * rise + 1e-6))
        along = np.clip(along, 0, 1)
        right, up = right - along * across, up - along * rise
        return (np.sqrt(right * right + up * up) - start - along * (end - start)) / self.pixel

    def box(self, left, bottom, right, top, corner=0.0):
        """Return a rectangle.

        left, bottom, right, top: its sides
        corner: how much of the corners is cut off (default: 0)
        """
        across = np.abs(self.x - (left + right) / 2) - (right - left) / 2
        rise = np.abs(self.y - (bottom + top) / 2) - (top - bottom) / 2
        cut = (across + rise + corner) * 0.7071
        return np.maximum(np.maximum(across, rise), cut) / self.pixel

    def polygon(self, *points):
        """Return a convex polygon with these (x, y) corners, in either order round."""
        corners = [tuple(map(_single, point)) for point in points]
        edges = list(zip(corners, corners[1:] + corners[:1], strict=True))
        around = sum(x0 * y1 - x1 * y0 for (x0, y0), (x1, y1) in edges)
        distance = None
        for (x0, y0), (x1, y1) in edges:
            across, rise = x1 - x0, y1 - y0
            unit = np.sqrt(across * across + rise * rise) * self.pixel * np.sign(around)
            rise, across = rise / unit, across / unit  # the edge's normal, one pixel long
            edge = self.x * rise - self.y * across - (x0 * rise - y0 * across)
            distance = edge if distance is None else np.maximum(distance, edge)
        return distance

    def dashes(self, left, bottom, right, top, count, filled=0.55):
        """Return a row of equal boxes: windows, planks, the lines on a road.

        left, bottom, right, top: the sides of the row
        count: how many boxes
        filled: which part of the row they fill, 0 to 1
        """
        pitch = (right - left) / count
        place = (self.x - left) / pitch
        place = np.abs(place - np.floor(place) - 0.5) - filled / 2
        return np.maximum(place * pitch / self.pixel, self.box(left, bottom, right, top))

    def paint(self, colour, *shapes, opacity=1.0) -> None:
        """Fill the union of the shapes with a colour, in the light that falls on this pen."""
        distance = shapes[0]
        for shape in shapes[1:]:
            distance = np.minimum(distance, shape)
        cover = np.clip(0.5 - distance, 0, 1) * opacity
        self.canvas += cover * (colour * self.light - self.canvas)


def without(shape, hole):
    """Return the part of a shape that lies outside another."""
    return np.maximum(shape, -hole)


def _single(number) -> np.ndarray:
    """Return a float32 array, never a scalar: NumPy 1 and 2 promote scalars differently."""
    return np.atleast_1d(np.asarray(number, dtype=np.float32))
