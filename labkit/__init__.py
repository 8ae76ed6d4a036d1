"""The small package behind the lab's notebooks. Where to find what:

The lab itself; read these first. They use PyTorch's own names.

- ``model``: ``Net``, the network that notebook 3 writes line by line
- ``data``: ``load()`` gives training, validation and test images; ``BatchLoader`` makes batches
- ``training``: the five lines of the loop, a run from start to finish, live runs, checkpoints
- ``evaluation``: accuracy, confusion, calibration, corrupted images, the learner's own answers
- ``device``: choose a device and move to it; ``timing``: measure honestly
- ``plots``: a still image for a cell, with its alt text
- ``preflight``: is this machine ready?; ``display``: cards and tables; ``text``: ``_()`` for every
  sentence; ``files``: written in one step

Rooms with one door each.

- ``explorers``: what moves, one folder an explorer: ``compute`` -> ``draw`` -> ``widget``
- ``inspect``: what a model does with a shape, and what is wrong where it breaks; receptive fields
- ``checks``: the exercises of a notebook in a file of its name, ``engine`` behind them
- ``doctor``: finds the bugs that raise no error
- ``faster``: what notebook 8 adds

Behind the scenes.

- ``sandbox``: run a learner's code quietly, in time, on copies; the model's lock
- ``languages``: the notebooks in Spanish, Portuguese, French and German; ``locales``: the words
- ``jupyter``: server and settings for ``make lab`` and for hubs, the class at a glance
- ``classroom``: what learners tell their instructor, where a class has a folder for it

Arrows point down: ``tests/test_house.py`` says which room may need which.
"""
