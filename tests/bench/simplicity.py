"""Does the estimated simplicity of a cluster predict what a student later gets right there? Run by hand.

    python -m tests.bench.simplicity sample
    python -m tests.bench.simplicity FOLDER --student ARTIFACT

where the ARTIFACT is one that `manage.py benchmark FOLDER --keep ARTIFACT` has kept, or a new place to keep it in.

Clusters are mined from the earlier traffic (the first two thirds of the sample's, train.jsonl of a folder), a student
is distilled from it, and the later traffic (the rest; test.jsonl) is given to the clusters that it falls into, by the
reference call. There, the clusters' simplicity is held against the share of the student's calls that agree.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from itertools import pairwise
from pathlib import Path

import numpy as np
from scipy.stats import rankdata, spearmanr

from curation.ml.calls import canonical_call
from curation.ml.clustering import assign
from curation.ml.embedding import Embedder
from curation.ml.mining import MinedCluster, Mining, Observation, mine
from curation.ml.patterns import delexicalise, readable
from curation.ml.tools import parse_tools
from curation.sample.log import sample_log
from curation.teachers.completion import parse_completion, parse_query
from training.students.base import Example
from training.students.distillation import distil
from training.students.encoder.config import EncoderConfig
from training.students.estimate import make_examples
from training.students.evaluation import evaluate
from training.students.folder import read_folder
from training.students.serving import load_student

LEAST_LATER = 5
EARLIER_SHARE = 2 / 3
BINS = (0.0, 0.5, 0.6, 0.7, 0.8, 0.85, 0.9, 0.95, 1.0)
DRAWS = 200


@dataclass(frozen=True, slots=True)
class Setting:
    earlier: list[Observation]
    later: list[Observation]
    tools: list[dict[str, object]]


@dataclass(frozen=True, slots=True)
class Outcome:
    """One cluster: its simplicity, and how many of its later queries the student got right."""

    name: str
    predicted: float
    right: int
    queries: int

    @property
    def measured(self) -> float:
        return self.right / self.queries


def read_sample() -> Setting:
    lines = list(sample_log(end=datetime(2025, 1, 15, tzinfo=UTC)))
    seen = [_logged(number, line) for number, line in enumerate(lines)]
    alone = [one for one in seen if not one.has_context]
    cut = round(EARLIER_SHARE * len(alone))
    return Setting(alone[:cut], alone[cut:], lines[0]["request"]["tools"])


def _logged(number: int, line: Mapping[str, object]) -> Observation:
    query, answer = parse_query(line["request"]["messages"]), parse_completion(line["response"])  # type: ignore[index]
    return Observation(
        str(number), query.text, answer.call, answer.several_calls, bool(query.context), at=float(number)
    )


def read_set(folder: Path) -> Setting:
    data = read_folder(folder)
    return Setting(_observed(data.train), _observed(data.test), data.tools)


def _observed(examples: Sequence[Example]) -> list[Observation]:
    return [Observation(one.id, one.query, one.call, at=float(at)) for at, one in enumerate(examples)]


def outcomes(setting: Setting, student: Path) -> tuple[Mining, list[Outcome]]:
    """The clusters with enough later traffic; queries that fall into none are left out."""
    tools = parse_tools(setting.tools)
    mining = mine(setting.earlier, embedder=Embedder(), canonical=partial(canonical_call, tools=tools), progress=_say)
    later = [one for one in setting.later if one.call]
    examples = [Example(one.query_id, one.text, one.call, "simple") for one in later]
    judged = evaluate(load_student(student), examples, threshold=None).judged
    right: dict[int, list[bool]] = defaultdict(list)
    for at, verdict in zip(_clusters_of(later, mining.clusters), judged, strict=True):
        right[at].append(verdict.agrees)
    found = [
        Outcome(cluster.name, cluster.simplicity, sum(right[at]), len(right[at]))
        for at, cluster in enumerate(mining.clusters)
        if len(right[at]) >= LEAST_LATER
    ]
    return mining, found


def _clusters_of(later: Sequence[Observation], clusters: Sequence[MinedCluster]) -> list[int]:
    """The cluster that each query joins, -1 for none."""
    keys = [delexicalise(one.text, one.call).key for one in later]
    vectors = Embedder().embed([readable(key) for key in keys])
    places = {id(cluster): at for at, cluster in enumerate(clusters)}
    found = [assign(vector, one.label, clusters) for vector, one in zip(vectors, later, strict=True)]
    return [-1 if cluster is None else places[id(cluster)] for cluster in found]


def rank_correlation(first: np.ndarray, second: np.ndarray, weights: np.ndarray) -> float:
    """Spearman's, each cluster weighted by its traffic."""
    ranks = np.cov(rankdata(first), rankdata(second), aweights=weights)
    return float(ranks[0, 1] / np.sqrt(ranks[0, 0] * ranks[1, 1]))


def report(mining: Mining, found: Sequence[Outcome], later: int) -> None:
    predicted, measured, queries = (
        np.array([getattr(one, name) for one in found], dtype=float) for name in ("predicted", "measured", "queries")
    )
    print(f"clusters {len(mining.clusters)}, with {LEAST_LATER} or more later queries {len(found)}")
    print(f"later queries in them {queries.sum():.0f} of {later} with a call")
    print(f"rank correlation {spearmanr(predicted, measured).statistic:.3f}", end=", ")
    print(f"weighted by traffic {rank_correlation(predicted, measured, queries):.3f}", end=", ")
    chance = np.random.default_rng(0).binomial(queries.astype(int), predicted, (DRAWS, len(found))) / queries
    print(
        f"at most about {np.mean([spearmanr(predicted, drawn).statistic for drawn in chance]):.3f} with so few queries"
    )
    print(f"mean predicted {np.average(predicted, weights=queries):.3f}", end=", ")
    print(f"measured {np.average(measured, weights=queries):.3f}")
    print(f"expected calibration error {_table(predicted, measured, queries):.3f}")
    print(f"mean distance {np.average(abs(predicted - measured), weights=queries):.3f}", end=", ")
    print(f"of which chance alone makes {np.average(abs(chance - predicted), axis=1, weights=queries).mean():.3f}")


def _table(predicted: np.ndarray, measured: np.ndarray, queries: np.ndarray) -> float:
    """Prints what was predicted and what was measured, bin by bin; the mean distance of the two."""
    print("| predicted | clusters | later queries | mean predicted | measured |\n| --- | --- | --- | --- | --- |")
    error = 0.0
    for low, high in pairwise(BINS):
        inside = (predicted > low) & (predicted <= high)
        if inside.any():
            weight = queries[inside]
            said, seen = np.average(predicted[inside], weights=weight), np.average(measured[inside], weights=weight)
            error += abs(said - seen) * weight.sum() / queries.sum()
            print(f"| {low}-{high} | {inside.sum()} | {weight.sum():.0f} | {said:.3f} | {seen:.3f} |")
    return float(error)


def _say(phase: str, fraction: float) -> None:
    sys.stderr.write(f"\r{phase} {fraction:.0%}   ")


def _distil(setting: Setting, folder: Path) -> None:
    distil(
        train=make_examples(setting.earlier, parse_tools(setting.tools)),
        calibration=[],
        tools=setting.tools,
        version="bench",
        folder=folder,
        config=EncoderConfig(),
        progress=lambda progress: _say(progress.phase, progress.fraction),
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("traffic", help="`sample`, or a benchmark folder")
    parser.add_argument("--student", type=Path, help="its artifact; distilled there first where there is none")
    options = parser.parse_args()
    setting = read_sample() if options.traffic == "sample" else read_set(Path(options.traffic))
    with tempfile.TemporaryDirectory() as scratch:
        student = options.student or Path(scratch) / "student"
        if not student.exists():
            _distil(setting, student)
        report(*outcomes(setting, student), later=sum(one.call is not None for one in setting.later))


if __name__ == "__main__":
    main()
