"""Checks of the exercises: one module for each notebook, ``labkit.checks.tensors`` and so on."""
