"""What a student would take off the teacher, judged from traffic alone: one is distilled and asked what came later."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from curation.ml.calls import canonical_call, normalise_text
from curation.ml.tools import ToolSet, parse_tools
from curation.ml.traffic import Observation
from training.students.base import Example, ProgressCallback, Route, TrainingError
from training.students.certification import certify, least_accepted
from training.students.distillation import DistillationReport, distil
from training.students.evaluation import EvaluationReport, Judged, evaluate
from training.students.families import StudentConfig
from training.students.memo import build_memo
from training.students.serving import load_student

LATER_SHARE = 0.1
"""Of the traffic, the newest: the student never sees it and is asked it in the end."""
MOST_LATER = 2000
DRAWS = 40
NO_CALLS = "No query that a student could be asked got a call, so there is nothing to learn."


@dataclass(frozen=True, slots=True)
class StudentEstimate:
    """How a student of the earlier traffic fares on the later. Shares are of the later queries, repeats counted.

    `coverage` is what memo and student answer at the certified threshold; `memo_share` what the memo alone does.
    `coverage_of_calls` is that of the queries that got a call, whatever the share of the others.
    `coverage_uncertified` is the most coverage with at most epsilon of the answers wrong, read off the later traffic:
    what a certificate might allow with more calibration examples. Where there is no certificate,
    `more_examples_needed` says how many more distinct queries would do (None if no number would), and
    `coverage_resampled` what certificates would give, on average, on calibration examples drawn from the later queries,
    as many as the whole log has (None where the later queries are too few). `problem` says why no student could be
    distilled, empty otherwise; what is said of a student is None then.
    """

    distinct_queries: int
    later_queries: int
    coverage: float
    memo_share: float
    threshold: float | None = None
    certified_bound: float | None = None
    more_examples_needed: int | None = None
    coverage_of_calls: float | None = None
    no_call_share: float | None = None
    coverage_uncertified: float | None = None
    coverage_resampled: float | None = None
    disagreement_inline: float | None = None
    exact_match: float | None = None
    function_accuracy: float | None = None
    student_ms: float | None = None
    problem: str = ""

    @property
    def predicted(self) -> float:
        """The coverage to expect. Near the edge a certificate is a matter of chance: where none was found, but others
        might be, half of what they would give."""
        return self.coverage if self.coverage_resampled is None else (self.coverage + self.coverage_resampled) / 2

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


def estimate_student(
    observations: Sequence[Observation],
    tools: list[dict[str, Any]],
    *,
    config: StudentConfig,
    epsilon: float,
    limit: int,
    folder: Path,
    progress: ProgressCallback,
) -> StudentEstimate:
    """Distils a student into `folder` from the earlier queries and asks it the later ones, as time would.

    Args:
        observations: queries without earlier turns, the oldest first.
        limit: only the newest `limit` distinct ones of the earlier queries are learned from.

    Raises:
        RunCancelled: from `progress`.
    """
    if not any(one.call for one in observations):
        return StudentEstimate(0, 0, 0.0, 0.0, problem=NO_CALLS)
    tool_set = parse_tools(tools)
    cut = len(observations) - min(MOST_LATER, math.ceil(LATER_SHARE * len(observations)))
    examples = make_examples(observations[:cut], tool_set)[-limit:]
    later = make_examples(observations[cut:], tool_set)
    try:
        report = distil(
            train=examples,
            calibration=[],
            tools=tools,
            version="estimate",
            folder=folder,
            config=config,
            epsilon=epsilon,
            progress=progress,
        )
    except TrainingError as error:
        return _memo_alone(examples, later, tool_set, str(error))
    student = load_student(folder)
    outcome = evaluate(student, later, threshold=student.threshold, progress=progress)
    return _read_off(examples, report, outcome, epsilon)


def make_examples(observations: Sequence[Observation], tools: ToolSet) -> list[Example]:
    """One example per text and call, weighted by how often it came, in the order in which they came last."""
    seen: dict[tuple[str, object], Example] = {}
    for one in observations:
        key = normalise_text(one.text), "several" if one.several_calls else canonical_call(one.call, tools)
        before = seen.pop(key, None)
        weight = before.weight + 1 if before else 1.0
        seen[key] = Example(one.query_id, one.text, one.call, _route(one), weight)
    return list(seen.values())


def _route(one: Observation) -> Route:
    if one.several_calls:
        return "complex"
    return "simple" if one.call else "no_call"


def _memo_alone(examples: Sequence[Example], later: Sequence[Example], tools: ToolSet, problem: str) -> StudentEstimate:
    memo = build_memo(examples, tools)
    remembered = sum(example.weight for example in later if memo.lookup(example.query))
    total = sum(example.weight for example in later)
    return StudentEstimate(len(examples), int(total), remembered / total, remembered / total, problem=problem)


def _read_off(
    examples: Sequence[Example], report: DistillationReport, outcome: EvaluationReport, epsilon: float
) -> StudentEstimate:
    figures = outcome.figures
    total = sum(item.example.weight for item in outcome.judged)
    calls = [item for item in outcome.judged if item.example.call]
    of_calls = sum(item.example.weight for item in calls)
    resampled = None
    if report.threshold is None:
        resampled = resampled_coverage(outcome.judged, len(examples) + len(outcome.judged), epsilon)
    return StudentEstimate(
        distinct_queries=len(examples),
        later_queries=int(total),
        coverage=figures["coverage"],
        memo_share=figures["covered_by_memo"],
        threshold=report.threshold,
        certified_bound=report.certified_bound,
        more_examples_needed=report.more_calibration_examples_needed,
        coverage_of_calls=sum(item.example.weight for item in calls if item.accepted) / of_calls if calls else None,
        no_call_share=1 - of_calls / total,
        coverage_uncertified=max(
            (point.coverage for point in outcome.curve if point.disagreement <= epsilon), default=0
        ),
        coverage_resampled=resampled,
        disagreement_inline=figures["disagreement_inline"],
        exact_match=figures["exact_match"],
        function_accuracy=figures["function_accuracy"],
        student_ms=figures["latency_ms"]["p50"],
    )


def resampled_coverage(judged: Sequence[Judged], count: int, epsilon: float) -> float | None:
    """The mean coverage of memo and student at thresholds certified on `count` examples, drawn again and again."""
    confidences = np.array([item.prediction.confidence if item.prediction.call else 0.0 for item in judged])
    if (confidences > 0).sum() < least_accepted(epsilon):
        return None
    agrees, memo = (np.array([getattr(item, name) for item in judged]) for name in ("exact", "accepted"))
    weights = np.array([item.example.weight for item in judged])
    random, coverages = np.random.default_rng(0), []
    for _ in range(DRAWS):
        drawn = random.choice(len(judged), count, p=weights / weights.sum())
        threshold = certify(confidences[drawn], agrees[drawn], epsilon).threshold
        passed = memo if threshold is None else memo | (confidences >= threshold)
        coverages.append(weights[passed].sum() / weights.sum())
    return float(np.mean(coverages))
