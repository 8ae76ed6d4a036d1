"""Judge a trained network: confusions, mistakes, changed images, your own image."""

from labkit.explorers.studio.widget import EvaluationStudio
