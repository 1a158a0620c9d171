"""`manage.py estimate FILE`: what ODIA would take off the teacher, judged from a log file alone. Uses no database."""

from __future__ import annotations

import tempfile
import time
from functools import partial
from pathlib import Path
from typing import Any

from django.core.management.base import CommandParser

from curation.errors import OdiaError
from curation.management.console import OdiaCommand, ProgressLine
from curation.management.logs import ErrorLines, add_log_arguments, check_log_options
from curation.ml.calls import canonical_call
from curation.ml.embedding import Embedder
from curation.ml.mining import Mining, mine
from training.management.options import check_seed
from training.models import RoutingPolicy
from training.selectors.estimates import reduction, simple_share, teacher_histogram
from training.students.base import Progress
from training.students.encoder.config import EncoderConfig
from training.students.estimate import StudentEstimate, estimate_student
from training.students.logged import LogError, LoggedTraffic, read_traffic

MOST_LEARNED = 20_000
HOPELESS_FACTOR = 20
STUDENT_MS = 2.0
"""Stands for the latency of a student where none could be distilled."""


class Command(OdiaCommand):
    help = "Judge from a log file alone what share of the traffic a student would answer, and how much time that saves."

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        add_log_arguments(parser)
        parser.add_argument("--teacher-ms", type=float, metavar="MEDIAN", help="the teacher's median latency")
        parser.add_argument("--epsilon", type=float, default=0.02, help="disagreement allowed (0.02)")
        parser.add_argument("--limit", type=int, default=MOST_LEARNED, help="learn from the newest N distinct queries")
        parser.add_argument("--seed", type=int, default=0)

    def run(self, **options: Any) -> dict[str, Any]:
        _check(options)
        tools, started, line = check_log_options(options), time.perf_counter(), ProgressLine()
        try:
            traffic = read_traffic(
                options["file"],
                log_format=options["format"],
                tools=tools,
                on_error=ErrorLines(self),
                on_line=lambda number: line(f"reading: {number} lines"),
            )
            mining = _mine(traffic, line)
            student = _distil(traffic, options, line)
        except LogError as error:
            raise OdiaError(str(error)) from error
        finally:
            line.done()
        return {**_result(traffic, mining, student, options), "seconds": round(time.perf_counter() - started, 1)}

    def show(self, result: dict[str, Any]) -> None:
        for sentence in _sentences(result):
            self.stdout.write(sentence)


def _check(options: dict[str, Any]) -> None:
    if not 0 < options["epsilon"] < 1:
        raise OdiaError(f"--epsilon is a share between 0 and 1, not {options['epsilon']}.")
    if options["teacher_ms"] is not None and not 0 < options["teacher_ms"] < float("inf"):
        raise OdiaError(f"--teacher-ms is a number of milliseconds above 0, not {options['teacher_ms']}.")
    if options["limit"] < 1:
        raise OdiaError(f"--limit must be at least 1, not {options['limit']}.")
    check_seed(options["seed"])


def _mine(traffic: LoggedTraffic, line: ProgressLine) -> Mining | None:
    """The clusters of what came without earlier turns, as a clustering would find them; None if there is none."""
    standalone = [one for one in traffic.observations if not one.has_context]
    if not standalone:
        return None
    return mine(
        standalone,
        embedder=Embedder(),
        canonical=partial(canonical_call, tools=traffic.tool_set),
        progress=lambda phase, fraction: line(f"clusters: {fraction:.0%} {phase}"),
    )


def _distil(traffic: LoggedTraffic, options: dict[str, Any], line: ProgressLine) -> StudentEstimate:
    def report(progress: Progress, /) -> None:
        line(f"{progress.phase}: {progress.fraction:.0%} {progress.message}")

    with tempfile.TemporaryDirectory() as scratch:
        return estimate_student(
            traffic.alone,
            traffic.tools,
            config=EncoderConfig(seed=options["seed"]),
            epsilon=options["epsilon"],
            limit=options["limit"],
            folder=Path(scratch) / "student",
            progress=report,
        )


def _result(
    traffic: LoggedTraffic, mining: Mining | None, student: StudentEstimate, options: dict[str, Any]
) -> dict[str, Any]:
    looked_at = len(traffic.observations)
    alone = len(traffic.alone) / looked_at
    coverage = alone * student.predicted
    latencies = [one.latency_ms for one in traffic.observations if one.latency_ms is not None]
    source, teacher = teacher_histogram(latencies, options["teacher_ms"])
    clusters = mining.clusters if mining else []
    return {
        "queries": traffic.queries,
        "patterns": len(mining.patterns) if mining else 0,
        "clusters": len(clusters),
        "simple_share": simple_share(clusters, RoutingPolicy(), looked_at),
        "predicted_coverage": coverage,
        "memo_share": alone * student.memo_share,
        **reduction(teacher, student.student_ms or STUDENT_MS, coverage),
        "teacher_latency_from": source,
        "epsilon": options["epsilon"],
        "queries_looked_at": looked_at,
        "share_without_earlier_turns": alone,
        "tools_inferred": traffic.inferred,
        "student": student.as_json(),
        "duplicate": traffic.duplicates,
        "rejected": traffic.reasons.total(),
        "reasons": dict(traffic.reasons),
    }


def _sentences(result: dict[str, Any]) -> list[str]:
    student, saved = result["student"], result["predicted_reduction"]
    return [
        f"{result['queries']} queries in {result['patterns']} patterns and {result['clusters']} clusters; "
        f"{result['simple_share']:.0%} of the traffic lies in clusters that the policy would approve.",
        f"A student would answer {result['predicted_coverage']:.0%} of the traffic, "
        f"{result['memo_share']:.0%} from memory alone. {_certificate(student, result['epsilon'])}",
        f"The mean latency would fall by {saved['mean']:.0%}, the median by {saved['p50']:.0%} "
        f"(the teacher's latency: {result['teacher_latency_from']}).",
        *(f"Rejected {count} lines: {reason}." for reason, count in result["reasons"].items()),
    ]


def _certificate(student: dict[str, Any], epsilon: float) -> str:
    if student["problem"]:
        return student["problem"]
    if student["threshold"] is not None:
        return f"At most {student['certified_bound']:.1%} of its answers would differ, with 95% confidence."
    needed = student["more_examples_needed"]
    hopeless = needed is None or needed > HOPELESS_FACTOR * student["distinct_queries"]
    more = "more traffic alone would not help" if hopeless else f"about {needed} more distinct queries would do"
    return (
        f"No threshold was certified for a disagreement of {epsilon:.1%}; {more}. "
        f"Uncertified, {student['coverage_uncertified']:.0%} could be answered at that disagreement; "
        "where others of the log's queries might have given a certificate, half of what it would allow is counted."
    )
