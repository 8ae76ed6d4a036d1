"""Training that is fast on a few cores: what notebook 08 adds, one rung at a time.

``network`` is the faster net, ``augment`` moves whole batches about, ``muon`` is the optimizer,
``hardest`` chooses the images of an epoch, ``recipe`` puts them together and trains within a
given time, ``ladder`` measures rung by rung.
"""
