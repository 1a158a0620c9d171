"""How long a large model takes to answer."""

from __future__ import annotations

import math
import random
from statistics import NormalDist

MEDIAN_SECONDS = 1.4
P90_SECONDS = 2.5
_SIGMA = math.log(P90_SECONDS / MEDIAN_SECONDS) / NormalDist().inv_cdf(0.9)


def draw_latency(rng: random.Random) -> float:
    """Seconds until an answer, from a log-normal distribution with the median and the 90th percentile above."""
    return rng.lognormvariate(math.log(MEDIAN_SECONDS), _SIGMA)
