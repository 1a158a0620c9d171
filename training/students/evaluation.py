"""A student held against examples: what it answers, how often it is wrong, how fast it is."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol

import numpy as np

from curation.ml.calls import DEFAULT_RULES, Call, ComparisonRules, same_call
from curation.ml.tools import ToolSet
from training.students.base import Example, Prediction, Progress, ProgressCallback, Student
from training.students.certification import upper_bound
from training.students.memo import Memo
from training.students.risk import CurvePoint, coverage_at, rank, risk_curve

COVERAGE_AT = (0.005, 0.01, 0.02, 0.05)
REPORT_EVERY = 200


class EvaluatedStudent(Student, Protocol):
    """A student with its memo and its tools, as loaded from an artifact."""

    memo: Memo
    tools: ToolSet


@dataclass(frozen=True, slots=True)
class Judged:
    """One example with what the student made of it.

    `answer` is the memo's or the student's call, which `agrees` with the reference or not, accepted or not;
    `exact` is about the student's own call, without memo and gate (no call is right where the reference is none).
    """

    example: Example
    prediction: Prediction
    answer: Call | None
    agrees: bool
    exact: bool
    accepted: bool
    served_by: Literal["memo", "student"] | None
    milliseconds: float


@dataclass(frozen=True, slots=True)
class FunctionFigures:
    """How the queries fare whose reference is this function (None: no call). Shares are of their weight."""

    function: str | None
    examples: int
    exact_match: float
    coverage: float
    disagreement_inline: float | None


@dataclass(frozen=True, slots=True)
class EvaluationReport:
    """`figures` is JSON, with the keys of the `benchmark` command that concern an evaluation.

    `per_function` lists the lowest exact match first.
    """

    figures: dict[str, Any]
    judged: list[Judged]
    curve: list[CurvePoint]
    per_function: list[FunctionFigures]


def evaluate(
    student: EvaluatedStudent,
    examples: Sequence[Example],
    *,
    threshold: float | None,
    rules: ComparisonRules = DEFAULT_RULES,
    progress: ProgressCallback | None = None,
) -> EvaluationReport:
    """Asks the student one query at a time. Without a threshold, only the memo answers.

    Shares are weighted by how often each query came. Raises ValueError where there is no example.
    """
    if not examples:
        raise ValueError("There is no example to evaluate the student on.")
    judged = []
    for number, example in enumerate(examples):
        if progress and number % REPORT_EVERY == 0:
            progress(Progress("evaluation", number / len(examples), f"{number} of {len(examples)} queries"))
        judged.append(_judge(student, example, threshold, rules))
    confidences = np.array([1.0 if item.served_by == "memo" else _confidence(item) for item in judged])
    agrees = np.array([item.agrees for item in judged], dtype=bool)
    ranking = rank(confidences, agrees, np.array([item.example.weight for item in judged]))
    at = {str(share): coverage_at(ranking, share) for share in COVERAGE_AT}
    return EvaluationReport(
        figures={**_figures(judged), "threshold": threshold, "coverage_at": at},
        judged=judged,
        curve=risk_curve(ranking),
        per_function=_per_function(judged),
    )


def _judge(student: EvaluatedStudent, example: Example, threshold: float | None, rules: ComparisonRules) -> Judged:
    started = time.perf_counter()
    prediction = student.predict([example.query])[0]
    milliseconds = (time.perf_counter() - started) * 1000
    remembered = student.memo.lookup(example.query)
    passed = prediction.call is not None and threshold is not None and prediction.confidence >= threshold
    answer = remembered or prediction.call
    served_by: Literal["memo", "student"] | None = "memo" if remembered else "student" if passed else None
    return Judged(
        example=example,
        prediction=prediction,
        answer=answer,
        agrees=same_call(answer, example.call, student.tools, rules),
        exact=same_call(prediction.call, example.call, student.tools, rules),
        accepted=served_by is not None,
        served_by=served_by,
        milliseconds=milliseconds,
    )


def _confidence(judged: Judged) -> float:
    return judged.prediction.confidence if judged.prediction.call else 0.0


def _figures(judged: Sequence[Judged]) -> dict[str, Any]:
    accepted = [item for item in judged if item.accepted]
    with_call = [item for item in judged if item.example.call]
    no_call = [item for item in judged if item.example.call is None]
    wrong = [item for item in accepted if not item.agrees]
    inline = _share(wrong, accepted)
    answered = _share([item for item in no_call if item.accepted], no_call)
    return {
        "test_examples": len(judged),
        "exact_match": _share([item for item in judged if item.exact], judged),
        "function_accuracy": _share([item for item in with_call if _same_function(item)], with_call),
        "coverage": _share(accepted, judged),
        "covered_by_memo": _share([item for item in judged if item.served_by == "memo"], judged),
        "disagreement_inline": inline,
        "disagreement_inline_upper_bound": _bound(inline, accepted),
        "disagreement_all": _share(wrong, judged),
        "no_call": {
            "answered_with_call": answered,
            "refused_or_no_call": None if answered is None else 1 - answered,
        },
        "latency_ms": _latency([item.milliseconds for item in judged]),
    }


def _same_function(judged: Judged) -> bool:
    predicted, reference = judged.prediction.call, judged.example.call
    return bool(predicted and reference and predicted.name == reference.name)


def _share(part: Sequence[Judged], whole: Sequence[Judged]) -> float | None:
    """The share of the weight; None of nothing."""
    if not whole:
        return None
    return sum(item.example.weight for item in part) / sum(item.example.weight for item in whole)


def _bound(share: float | None, accepted: Sequence[Judged]) -> float | None:
    """Clopper-Pearson on the number of independent answers that the weights amount to (Kish, 1965)."""
    if share is None:
        return None
    weights = [item.example.weight for item in accepted]
    effective = sum(weights) ** 2 / sum(weight**2 for weight in weights)
    return upper_bound(share * effective, effective)


def _latency(milliseconds: Sequence[float]) -> dict[str, float]:
    p50, p90, p99 = np.percentile(milliseconds, [50, 90, 99])
    return {"p50": float(p50), "p90": float(p90), "p99": float(p99)}


def _per_function(judged: Sequence[Judged]) -> list[FunctionFigures]:
    groups: dict[str | None, list[Judged]] = defaultdict(list)
    for item in judged:
        groups[item.example.call.name if item.example.call else None].append(item)
    figures = [_of_function(function, group) for function, group in groups.items()]
    return sorted(figures, key=lambda one: (one.exact_match, one.function or ""))


def _of_function(function: str | None, group: Sequence[Judged]) -> FunctionFigures:
    accepted = [item for item in group if item.accepted]
    return FunctionFigures(
        function=function,
        examples=len(group),
        exact_match=_share([item for item in group if item.exact], group) or 0.0,
        coverage=_share(accepted, group) or 0.0,
        disagreement_inline=_share([item for item in accepted if not item.agrees], accepted),
    )
