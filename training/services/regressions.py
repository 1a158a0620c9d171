"""Notes in evaluations about the functions at which a student got worse."""

from __future__ import annotations

from collections.abc import Sequence

from training.models import Evaluation
from training.selectors.aliases import champion_of
from training.selectors.evaluations import champion_evaluation
from training.selectors.regressions import Tested, worse_than, worse_than_before


def live_regressions(*, evaluation: Evaluation, champion: Evaluation) -> None:
    """Note where a student is worse on live traffic: than the champion, or the champion than on its own test split."""
    own = evaluation.student.latest_evaluation
    if evaluation != champion:
        _note(evaluation, champion.student.version, worse_than(evaluation, champion))
    elif own is not None:
        _note(evaluation, f"dataset {own.dataset.version}", worse_than_before(evaluation, own))


def dataset_regressions(*, evaluation: Evaluation) -> None:
    """Note where students are worse than the champion on a dataset, as far as both were held against it.

    An evaluation of the champion settles that for the newest one of each other student.
    """
    for one in _newest_of_others(evaluation) if _is_champions(evaluation) else [evaluation]:
        champion = champion_evaluation(one)
        if champion is not None:
            _note(one, champion.student.version, worse_than(one, champion))


def _is_champions(evaluation: Evaluation) -> bool:
    return champion_of(evaluation.student.application) == evaluation.student


def _newest_of_others(evaluation: Evaluation) -> list[Evaluation]:
    rows = Evaluation.objects.filter(dataset=evaluation.dataset_id).exclude(student=evaluation.student_id)
    return list(rows.select_related("student").order_by("student_id", "-id").distinct("student_id"))


def _note(evaluation: Evaluation, against: str, worse: Sequence[Tested]) -> None:
    evaluation.regressions = [
        {"function": one.function or None, "against": against, "sentence": one.sentence, "chance": one.chance}
        for one in worse
    ]
    evaluation.save(update_fields=["regressions"])
