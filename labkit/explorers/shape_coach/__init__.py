"""Guess the shapes layer by layer, and see where a stack of layers breaks."""

from labkit.explorers.shape_coach.widget import ShapeCoach
