"""A test that may be looked at after every audit: is the disagreement above what is allowed?

The evidence against "the disagreement is at most epsilon" is a likelihood ratio: how much more probable what was seen
is under a larger disagreement than under epsilon, averaged over many larger ones (Robbins, "Statistical methods
related to the law of the iterated logarithm", 1970). While the disagreement is within epsilon, this average is a
non-negative supermartingale that starts at 1, so that it ever reaches 1/alpha with a chance of at most alpha, however
often and whenever it is looked at (Ville, 1939; Ramdas et al., "Game-theoretic statistics and safe anytime-valid
inference", 2023). It is an e-value at every moment.

The alternatives are spaced evenly on the logarithm of the odds, between 1.25 and 12 times the odds of epsilon: a finite
mixture needs no special functions and is exact in logarithms for any number of audits.
"""

from __future__ import annotations

import math

import numpy as np
from scipy.special import logsumexp

ALPHA = 0.05
"""The chance that a student is switched off wrongly, whatever the number of audits. The whole of it is tested at this
level; its functions share another such chance evenly (see `level_of_a_function`)."""

LOG_ODDS_RATIOS = np.log(np.geomspace(1.25, 12.0, 32))


def log_e_value(audited: int, disagreed: int, epsilon: float) -> float:
    """The natural logarithm of the evidence against "the disagreement is at most `epsilon`" (a share, 0 to 1)."""
    # With odds r times those of epsilon, a disagreement is r / (1 + (r - 1) epsilon) times as probable, and an
    # agreement 1 / (1 + (r - 1) epsilon) times.
    costs = np.log1p(np.expm1(LOG_ODDS_RATIOS) * epsilon)
    ratios = disagreed * LOG_ODDS_RATIOS - audited * costs
    return float(logsumexp(ratios) - math.log(len(LOG_ODDS_RATIOS)))


def is_too_high(audited: int, disagreed: int, epsilon: float, alpha: float = ALPHA) -> bool:
    """Whether the evidence reaches 1/alpha: the disagreement is above `epsilon`, wrongly so with chance `alpha`."""
    return log_e_value(audited, disagreed, epsilon) >= -math.log(alpha)


def level_of_a_function(functions: int) -> float:
    """The alpha of each of a student's functions: by it, all of them together are wrong with chance ALPHA at most."""
    return ALPHA / max(functions, 1)
