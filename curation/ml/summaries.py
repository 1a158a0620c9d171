"""What is said of a cluster, whether a run over the traffic has found it or a person has put it together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from curation.ml.evidence import Evidence, Whole, evidence_of
from curation.ml.simplicity import simplicity_of
from curation.ml.tallies import Tally, add_up


@dataclass(frozen=True, slots=True)
class Summary:
    """`time_saved_ms` is simplicity times the teacher's latency summed over the cluster's queries; None if no latency
    is known in the whole traffic."""

    evidence: Evidence
    simplicity: float
    time_saved_ms: float | None


def summarise(label: str, tallies: Sequence[Tally], whole: Whole) -> Summary:
    """The cluster of the patterns with these tallies."""
    total = add_up(tallies)
    evidence = evidence_of(label, total, whole)
    simplicity = simplicity_of(total.outcome, total.chance, total.queries) if evidence.function else 0.0
    taken = evidence.volume.teacher_ms
    return Summary(evidence, simplicity, None if taken is None else simplicity * taken)
