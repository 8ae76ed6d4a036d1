"""How much faster the whole is when a part is."""

from labkit.checks.engine.spec import exercise
from labkit.text import N_


def _parts():
    return [(0.5, 2.0), (0.9, 10.0), (0.25, 4.0), (1.0, 3.0), (0.0, 5.0), (0.6, 0.5)]


@exercise(1, _parts)
def whole_speedup(share, faster):
    before = 1.0
    after = (1 - share) * before + share * before / faster
    return before / after


@whole_speedup.mistake(
    N_("This is how much faster the part becomes. The rest takes as long as before.")
)
def _only_the_part(share, faster):
    return faster


@whole_speedup.mistake(N_("This is the time that is left. How many times faster is 1 / that."))
def _time_left(share, faster):
    return 1 - share + share / faster


@whole_speedup.mistake(N_("The rest of the time is missing: 1 - share stays as it was."))
def _rest_forgotten(share, faster):
    return faster / share


@whole_speedup.mistake(
    N_("Speeds cannot be averaged like this. Add up the times of both parts, then compare.")
)
def _mean_of_speeds(share, faster):
    return 1 - share + share * faster


@whole_speedup.mistake(N_("The part is not gone: it still takes share / faster of the time."))
def _part_gone(share, faster):
    return 1 / (1 - share)


@whole_speedup.mistake(
    N_("A part that is faster takes less time: share / faster, not share · faster.")
)
def _multiplied(share, faster):
    return 1 / (1 - share + share * faster)


@whole_speedup.mistake(N_("share is the part that becomes faster; 1 - share stays as it was."))
def _other_part(share, faster):
    return 1 / (share + (1 - share) / faster)


@whole_speedup.mistake(N_("This is the time of the part. The rest, 1 - share, comes on top."))
def _time_of_the_part(share, faster):
    return share / faster


@whole_speedup.mistake(
    N_("This is the part of the time that is saved. How many times as fast is it?")
)
def _saved(share, faster):
    return share - share / faster


@whole_speedup.mistake(N_("The part takes share / faster afterwards: 1 - share + share / faster."))
def _part_taken_off(share, faster):
    return 1 / (1 - share / faster)
