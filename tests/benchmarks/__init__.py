"""Measurements of speed: ``make bench``, and the recordings that travel with the package."""
