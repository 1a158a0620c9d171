"""Simplicity: the estimated chance that a student makes the teacher's call in a cluster."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Hashable
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from sklearn.linear_model import LogisticRegression

from curation.ml.probe import Agreements, ProbeResult
from curation.ml.traffic import NO_CALL, SEVERAL, Traffic

STUDENT_ODDS = 2.2
"""The odds that a student agrees are so many times those of its stand-in: what made the two means equal on the
validation queries of three open data sets (1.8, 2.2 and 2.4). tests/bench/simplicity.py holds it against later ones."""
PRIOR_QUERIES = 10
"""The prediction from the features of its queries counts as much as this many measured queries of a cluster."""
EARLIER_SHARE = 2 / 3
LEAST_OUTCOMES = 30


@dataclass(frozen=True, slots=True)
class Calibration:
    """How the chances predicted of the stand-in from earlier traffic held on later: means over `queries` later ones."""

    queries: int
    predicted: float
    measured: float

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Estimate:
    """Arrays with one entry per query: `outcome`, whether the stand-in for a student agreed with the teacher, and
    `chance`, the calibrated chance of that. `calibration` is None where there is too little traffic to hold out."""

    outcome: np.ndarray
    chance: np.ndarray
    calibration: Calibration | None


def simplicity_of(outcome: int, chance: float, queries: int) -> float:
    """The chance of agreement in a cluster of so many queries, from the sums of their outcomes and chances.

    The agreement of the stand-in, drawn towards the mean calibrated chance as if by `PRIOR_QUERIES` more queries,
    and then what a student makes of it.
    """
    return of_student((outcome + PRIOR_QUERIES * chance / queries) / (queries + PRIOR_QUERIES))


def of_student(agreement: float) -> float:
    """The agreement to expect of a student where its stand-in, a weaker model that learns from less, has this one."""
    return STUDENT_ODDS * agreement / (1 - agreement + STUDENT_ODDS * agreement)


def estimate_agreement(traffic: Traffic, probe: ProbeResult, agreements: Agreements) -> Estimate:
    """Estimate, for every query, whether a student would make the teacher's call.

    The stand-in for a student is the probe (out of fold, so never trained on the text that it is measured on), and a
    memory: a text whose other queries all got one call is answered with that call, as by a student that has learned
    it. Its agreement with the teacher is measured on every query. A logistic regression on the probe's own confidence,
    on how often text and pattern came and on whether an earlier turn came with the query then gives a calibrated
    chance: it is fitted on the earlier two thirds of the traffic and checked on the later third (`Calibration`), and
    fitted once more on all of it for use. A query that the teacher answered with text or with several calls never
    counts as agreed, as a student refuses those.
    """
    answerable = ~np.isin(traffic.labels.astype(str), [NO_CALL, SEVERAL])
    remembered = _memory_verdicts(traffic)
    outcome = np.where(remembered == 0, agreements.call, remembered > 0) & answerable
    features = _features(traffic, probe)
    rows = traffic.time_order[answerable[traffic.time_order]]
    chance = np.where(answerable, _predict(features, outcome, rows, np.arange(len(outcome))), 0.0)
    return Estimate(outcome, chance, _check(features, outcome, rows))


def _check(features: np.ndarray, outcome: np.ndarray, rows: np.ndarray) -> Calibration | None:
    cut = int(EARLIER_SHARE * len(rows))
    earlier, later = rows[:cut], rows[cut:]
    if len(later) < LEAST_OUTCOMES:
        return None
    predicted = float(_predict(features, outcome, earlier, later).mean())
    return Calibration(len(later), predicted, float(outcome[later].mean()))


def _predict(features: np.ndarray, outcome: np.ndarray, train: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """Calibrated chances; the smoothed rate where there is too little, or only one outcome, to fit on."""
    hits = int(outcome[train].sum())
    if len(train) < LEAST_OUTCOMES or hits in (0, len(train)):
        return np.full(len(rows), (hits + 1) / (len(train) + 2))
    model = LogisticRegression(max_iter=200).fit(features[train], outcome[train])
    return model.predict_proba(features[rows])[:, 1]


def _features(traffic: Traffic, probe: ProbeResult) -> np.ndarray:
    chance = probe.chance[traffic.text_of].clip(1e-4, 1 - 1e-4)
    repeats = np.bincount(traffic.text_of)[traffic.text_of]
    context = [seen.has_context for seen in traffic.observations]
    pattern = traffic.counts[traffic.pattern_of]
    return np.column_stack([np.log(chance / (1 - chance)), np.log(repeats), np.log(pattern), context])


def _memory_verdicts(traffic: Traffic) -> np.ndarray:
    """What a memory of all other queries does at each: 1, it agrees; -1, it disagrees; 0, it does not answer."""
    by_text: dict[int, Counter[Hashable]] = defaultdict(Counter)
    for text, choice in zip(traffic.text_of, traffic.choices, strict=True):
        by_text[int(text)][choice] += 1
    verdicts = np.zeros(len(traffic.choices), dtype=int)
    for position, (text, choice) in enumerate(zip(traffic.text_of, traffic.choices, strict=True)):
        others = by_text[int(text)] - Counter([choice])
        if len(others) == 1:
            verdicts[position] = 1 if choice in others else -1
    return verdicts
