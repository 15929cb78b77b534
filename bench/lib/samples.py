"""Measurements in turns, and what they come to."""
from statistics import median


class Samples:
    """What each side came to in each round: dictionaries of figures."""

    def __init__(self, rounds):
        self._rounds = rounds

    def values(self, side, figure):
        return [figures[side][figure] for figures in self._rounds]

    def median(self, side, figure):
        return median(self.values(side, figure))

    def ratio(self, side, other, figure):
        """Of each round: median, lowest, highest; None where the other side is nothing."""
        pairs = list(zip(self.values(side, figure), self.values(other, figure)))
        if any(theirs == 0 for _, theirs in pairs):
            return None
        ratios = [ours / theirs for ours, theirs in pairs]
        return median(ratios), min(ratios), max(ratios)

    def spread(self, side, figure):
        """Median, lowest, highest."""
        values = self.values(side, figure)
        return median(values), min(values), max(values)


def in_turns(run, sides, warm=()):
    """
    Measures every side once a round, A B B A: a machine that gets slower meanwhile gets slower for all, and what one leaves
    behind, a disk's debts for one, is not always the same side's to bear.

    sides: what measures, by name. warm: sides measured once before, for their compiler's sake.
    """
    if not run.quick:
        for name in warm:
            sides[name]()
    there = list(sides.items())
    return Samples([{name: measure() for name, measure in (there, there[::-1])[turn % 2]} for turn in range(run.rounds)])


def count(value):
    """A number of requests: 8153 k, 12.3 k, 840."""
    if value >= 100_000:
        return f"{value / 1000:.0f} k"
    return f"{value / 1000:.1f} k" if value >= 1000 else f"{value:.0f}"


def figure(value):
    """Three places or so."""
    if value >= 100 or value == 0:
        return f"{value:.0f}"
    return f"{value:.1f}" if value >= 10 else f"{value:.2f}" if value >= 0.1 else f"{value:.3f}"


def both(samples, ours, theirs, name):
    return f"{figure(samples.median(ours, name))} / {figure(samples.median(theirs, name))}"


def spread(three):
    """Median (lowest to highest)."""
    return "-" if three is None else f"{three[0]:.2f} ({three[1]:.2f} to {three[2]:.2f})"
