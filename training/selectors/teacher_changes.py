"""Functions for which audits found that the teacher answers otherwise than before, and since when."""

from __future__ import annotations

from datetime import datetime, timedelta
from itertools import accumulate

from curation.identifiers import first_id, time_of
from curation.models import Application, RouterDecision
from training.models import SwitchOff
from training.models.audits import WHOLE

LOOKED_BACK = timedelta(days=2)
CHANGED_SHARE = 0.7
"""Of the audited answers since a moment that disagree: a weak student is rarely so bad, an outdated one is worse."""
LEAST_DISAGREEING = 5


def changed_functions(application: Application) -> dict[str, datetime]:
    """By name of a function that audits switched off, when its teacher's answers changed.

    Examples of the function from before say what the teacher does no more. A function that was switched off since
    its student is weak is not among them: there, part of the audited answers agree until the end.
    """
    rows = SwitchOff.objects.filter(application=application).exclude(function=WHOLE).order_by("id")
    return {off.function: since for off in rows.select_related("student") if (since := _changed_at(off))}


def _changed_at(off: SwitchOff) -> datetime | None:
    """The audited disagreement before the switch-off since which nearly all audited answers disagree."""
    audited = RouterDecision.objects.filter(
        application=off.application_id,
        student=off.student.version,
        function=off.function,
        agrees__isnull=False,
        query__gte=first_id(off.created_at - LOOKED_BACK),
        query__lt=first_id(off.created_at),
    )
    newest_first = list(audited.order_by("-query").values_list("pk", "agrees"))
    disagreed = list(accumulate(not agrees for _, agrees in newest_first))
    since = [
        place
        for place, (_, agrees) in enumerate(newest_first)
        if not agrees and disagreed[place] >= max(LEAST_DISAGREEING, CHANGED_SHARE * (place + 1))
    ]
    return time_of(newest_first[since[-1]][0]) if since else None
