"""Look at a data set: its images, its transforms, its batches and classes."""

from labkit.explorers.gallery.widget import SampleGallery
