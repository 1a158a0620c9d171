"""Where a student got worse: at functions of which it answers more wrongly, and at how much it answers at all.

A wrong answer inline is what reaches a user; what the gate holds back costs time, not trust, and is counted by itself.
Functions are those of the reference calls. That so many are tested at once is allowed for by Holm's procedure (1979):
if nothing got worse, any function is flagged with a chance of at most 5%. Functions with so little evidence that it
could not prove anything do not count among those tested (Tarone, 1990).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from django.db.models import Count, Exists, OuterRef, Q
from scipy.stats import binomtest, hypergeom

from training.models import Evaluation, Student
from training.models.audits import WHOLE
from training.models.datasets import ExampleRoute
from training.selectors.comparisons import learned_by

CHANCE = 0.05
WRONG = Q(agrees=False) & ~Q(served_by="")
WRONG_SIMPLE = Q(agrees=False, route=ExampleRoute.SIMPLE)


@dataclass(frozen=True, slots=True)
class Tested:
    """One function with its evidence, in a sentence. `chance`: of as much or more, had it not got worse; `least`: the
    lowest that the number of differing answers could have given."""

    function: str
    sentence: str
    chance: float
    least: float


def worse_than(evaluation: Evaluation, other: Evaluation) -> list[Tested]:
    """Against another student on the same examples: McNemar's test, exact and one-sided, of those that one of the two
    alone answers wrongly inline; each distinct query counts once."""
    return _beyond_chance(_paired(*row) for row in _pairs(evaluation, other, WRONG))


def less_able_than(evaluation: Evaluation, other: Evaluation) -> list[Tested]:
    """The same of all answers to simple examples, whatever the gate makes of them: it can answer less of these inline.

    What is not simple any more, such as the examples of a rejected cluster, it was not to learn.
    """
    return _beyond_chance(_paired(*row) for row in _pairs(evaluation, other, WRONG_SIMPLE))


@dataclass(frozen=True, slots=True)
class Covered:
    """Of the examples that two students were held against, how many there are, and of the simple ones those that one
    alone answers rightly inline."""

    examples: int
    alone: int
    others_alone: int

    @property
    def less(self) -> bool:
        """Whether the other covers more than chance explains (McNemar's test, exact and one-sided)."""
        differing = self.alone + self.others_alone
        return differing > 0 and binomtest(self.others_alone, differing, alternative="greater").pvalue <= CHANCE


def covered_beside(evaluation: Evaluation, other: Evaluation) -> Covered:
    """Each distinct query counts once. What audits have switched off of a student it does not cover."""
    rows = list(_pairs(evaluation, other, _not_covered(evaluation.student), _not_covered(other.student)))
    alone = sum(others - both for _, _, _, others, both in rows)
    return Covered(sum(row[1] for row in rows), alone, sum(missed - both for _, _, missed, _, both in rows))


def _not_covered(student: Student) -> Q:
    simple = Q(route=ExampleRoute.SIMPLE)
    off = list(student.switch_offs.filter(lifted_at=None).values_list("function", flat=True))
    return simple if WHOLE in off else simple & (Q(agrees=False) | Q(served_by="") | Q(function__in=off))


def worse_than_before(evaluation: Evaluation, before: Evaluation) -> list[Tested]:
    """Against the same student on other examples: Fisher's exact test, one-sided, of its inline answers."""
    earlier = {function: (wrong, inline) for function, inline, wrong in _inline(before)}
    now = [row for row in _inline(evaluation) if row[0] in earlier]
    return _beyond_chance(_unpaired(function, wrong, inline, *earlier[function]) for function, inline, wrong in now)


def _beyond_chance(tested: Iterable[Tested]) -> list[Tested]:
    """The least likely first."""
    able = sorted((one for one in tested if one.least <= CHANCE), key=lambda one: one.chance)
    kept = next((place for place, one in enumerate(able) if one.chance > CHANCE / (len(able) - place)), len(able))
    return able[:kept]


def _paired(function: str, examples: int, wrong: int, others: int, both: int) -> Tested:
    alone, differing = wrong - both, wrong + others - 2 * both
    chance = float(binomtest(alone, differing, alternative="greater").pvalue) if differing else 1.0
    sentence = f"{wrong} of {examples} queries answered wrongly inline, {others} by the champion."
    return Tested(function, sentence, chance, 0.5**differing)


def _unpaired(function: str, wrong: int, inline: int, wrong_before: int, inline_before: int) -> Tested:
    """Given how many of all inline answers are wrong, how many of them fall on these queries."""
    among = hypergeom(inline + inline_before, wrong + wrong_before, inline)
    sentence = f"{wrong} of {inline} inline answers are wrong, {wrong_before} of {inline_before} on its test split."
    most = min(wrong + wrong_before, inline)
    return Tested(function, sentence, float(among.sf(wrong - 1)), float(among.sf(most - 1)))


def _pairs(
    evaluation: Evaluation, other: Evaluation, wrong: Q, others_wrong: Q | None = None
) -> Iterable[tuple[str, int, int, int, int]]:
    """By function: the common examples, those that this student gets `wrong`, the other, and both.

    What the other student learned from is no common example: there it would look better than it is.
    """
    same = other.examples.filter(query_id=OuterRef("query_id"))
    common = evaluation.examples.filter(Exists(same)).exclude(query_id__in=learned_by(other))
    rows = common.alias(others=Exists(same.filter(others_wrong or wrong)))
    others = Q(others=True)
    counts = {
        "common": Count("pk"),
        "wrong": Count("pk", filter=wrong),
        "others_wrong": Count("pk", filter=others),
        "both_wrong": Count("pk", filter=wrong & others),
    }
    return rows.order_by("function").values("function").annotate(**counts).values_list("function", *counts)


def _inline(evaluation: Evaluation) -> Iterable[tuple[str, int, int]]:
    """By function: the examples that were answered inline, and those of them that were answered wrongly."""
    rows = evaluation.examples.exclude(served_by="").order_by("function").values("function")
    counts = {"inline": Count("pk"), "wrong": Count("pk", filter=WRONG)}
    return rows.annotate(**counts).values_list("function", *counts)
