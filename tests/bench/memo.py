"""The memo on traffic that repeats itself, at different rules of admission. Run by hand.

    python -m tests.bench.memo sample [--queries 30000]
    python -m tests.bench.memo FOLDER [--exponent 1.0] [--queries 20000] [--unsteady 0.02]

The sample's traffic comes from its generator, artists, songs and phrasings drawn by Zipf's law, with its teacher,
which is unsteady on what is not simple. A folder's test queries are drawn with Zipf weights, in a random order; a
share `unsteady` of their calls is replaced by that of another query, as if the teacher had slipped. The memo is built
from the first half of the traffic and asked the second half.
"""

from __future__ import annotations

import argparse
import random
import time
from collections import Counter, defaultdict
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import accumulate
from pathlib import Path

import numpy as np

from curation.ml.calls import canonical_call, normalise_text
from curation.ml.tools import ToolSet, parse_tools
from curation.ml.traffic import Observation
from curation.sample.answers import SampleTeacher
from curation.sample.generator import generate
from curation.sample.tools import TOOLS
from training.students.certification import upper_bound
from training.students.estimate import make_examples
from training.students.folder import read_folder
from training.students.memo import Memo, build_memo


@dataclass(frozen=True, slots=True)
class Repeating:
    """Traffic in the order of time. `steady` says of each query whether its call is the one intended."""

    observations: list[Observation]
    steady: list[bool]
    tools: ToolSet


def sample_traffic(queries: int, seed: int) -> Repeating:
    teacher = SampleTeacher(seed)
    drawn = [
        one for one in generate(seed=seed, queries=queries, end=datetime(2025, 1, 15, tzinfo=UTC)) if not one.context
    ]
    calls = [teacher.answer(one.text, one.context) for one in drawn]
    seen = [Observation(one.id, one.text, call) for one, call in zip(drawn, calls, strict=True)]
    tools = parse_tools(TOOLS)
    kinds = [one.kind == "simple" for one in drawn]
    return Repeating(seen, kinds, tools)


def drawn_traffic(folder: Path, queries: int, exponent: float, unsteady: float, seed: int) -> Repeating:
    data, rng = read_folder(folder), random.Random(seed)
    pool = data.test[:]
    rng.shuffle(pool)
    weights = list(accumulate((rank + 1) ** -exponent for rank in range(len(pool))))
    seen, steady = [], []
    for number, example in enumerate(rng.choices(pool, cum_weights=weights, k=queries)):
        slips = rng.random() < unsteady
        call = rng.choice(pool).call if slips else example.call
        seen.append(Observation(str(number), example.query, call))
        steady.append(not slips)
    return Repeating(seen, steady, parse_tools(data.tools))


def replay(traffic: Repeating, least: int) -> tuple[Memo, str]:
    """The memo of the first half, and what it answers in the second."""
    cut = len(traffic.observations) // 2
    memo = build_memo(make_examples(traffic.observations[:cut], traffic.tools), traffic.tools, least_seen=least)
    answered = [
        (canonical_call(memo.lookup(one.text), traffic.tools) == canonical_call(one.call, traffic.tools), steady)
        for one, steady in zip(traffic.observations[cut:], traffic.steady[cut:], strict=True)
        if memo.lookup(one.text)
    ]
    wrong = sum(not agrees for agrees, _ in answered)
    blame = sum(not agrees and steady for agrees, steady in answered)
    bound = upper_bound(wrong, len(answered)) if answered else 1.0
    later = len(traffic.observations) - cut
    row = (
        f"| {least} | {len(memo)} | {len(answered) / later:.3f} | {wrong / max(1, len(answered)):.4f} | {bound:.4f} "
        f"| {blame} of {wrong} |"
    )
    return memo, row


def lookup_times(memo: Memo, traffic: Repeating) -> np.ndarray:
    """Microseconds of each look-up, normalisation counted."""
    times = []
    for one in traffic.observations:
        started = time.perf_counter_ns()
        memo.lookup(one.text)
        times.append((time.perf_counter_ns() - started) / 1000)
    return np.array(times)


def merged(traffic: Repeating) -> Counter[str]:
    """Texts that normalisation takes for one: how many are called alike by the steady teacher, and how many are not."""
    written: dict[str, dict[str, set[object]]] = defaultdict(lambda: defaultdict(set))
    for one, steady in zip(traffic.observations, traffic.steady, strict=True):
        if steady:
            written[normalise_text(one.text)][one.text].add(canonical_call(one.call, traffic.tools))
    several = [forms for forms in written.values() if len(forms) > 1]
    different = sum(len(frozenset(map(frozenset, forms.values()))) > 1 for forms in several)
    return Counter(texts=len(written), written_in_several_ways=len(several), with_different_calls=different)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("traffic", help="`sample`, or a benchmark folder")
    parser.add_argument("--queries", type=int, default=20_000)
    parser.add_argument("--exponent", type=float, default=1.0)
    parser.add_argument("--unsteady", type=float, default=0.02)
    parser.add_argument("--seed", type=int, default=7)
    options = parser.parse_args()
    if options.traffic == "sample":
        traffic = sample_traffic(options.queries, options.seed)
    else:
        folder = Path(options.traffic)
        traffic = drawn_traffic(folder, options.queries, options.exponent, options.unsteady, options.seed)
    print(f"{len(traffic.observations)} queries; {dict(merged(traffic))}")
    print("| seen at least | texts | answered | disagree | upper bound | of them where the teacher was steady |")
    memos = {}
    for least in (1, 2, 3, 5, 10):
        memos[least], row = replay(traffic, least)
        print(row)
    p50, p99 = np.percentile(lookup_times(memos[3], traffic), [50, 99])
    print(f"look-up of a memo of {len(memos[3])} texts: p50 {p50:.2f} us, p99 {p99:.2f} us")


if __name__ == "__main__":
    main()
