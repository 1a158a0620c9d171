"""Users who are forgotten: their queries deleted, and kept out when they come in late.

Writers of traffic share a lock and look who is forgotten under it; a deletion that has been noted waits once until
nobody who looked before still writes. So nothing slips in between.
"""

from __future__ import annotations

import hmac
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TypeVar
from uuid import UUID

from django.conf import settings
from django.contrib.auth.models import User
from django.db import connection, transaction
from django.utils import timezone

from curation.errors import OdiaError
from curation.models import Application, Cluster, ForgottenUser, Pattern, Query, Review, ShadowAnswer, TeacherCall
from curation.services.captured import Capture, Shadow
from curation.services.retention import queries_delete

LOCK = 0x0D1A_0004
LONGEST_ID = 200
FORGOTTEN = {"deleted": True}
"""What stands in a review in place of the calls that it held."""
WORDS_DELETED = "(words deleted)"

Row = TypeVar("Row", Capture, Shadow)


def mark_of(application_id: int, client_id: str) -> str:
    """By which a forgotten user is known again, and by nobody who has not the site's secret key."""
    content = f"odia forgotten {application_id}\x1f{client_id[:LONGEST_ID]}"
    return hmac.digest(settings.SECRET_KEY.encode(), content.encode("utf-8", "surrogatepass"), "sha256").hex()


def forgetting_begin(*, application: Application, client_id: str, user: User | None) -> ForgottenUser:
    """Note that everything a user has said until now is to be deleted. From now on it does not come in again.

    Raises:
        OdiaError: there is no user id, or it is longer than any.
    """
    client_id = client_id.strip()
    if not client_id:
        raise OdiaError("Give the user id that the application sends as `user` or `safety_identifier`.")
    if len(client_id) > LONGEST_ID:
        raise OdiaError(f"A user id has at most {LONGEST_ID} characters; of longer ones only the first are kept.")
    mark = mark_of(application.pk, client_id)
    return ForgottenUser.objects.create(
        application=application, mark=mark, client_id=client_id, until=timezone.now(), asked_by=user
    )


@transaction.atomic
def writers_wait_for() -> None:
    """Wait until nobody still writes traffic who did not see the latest `ForgottenUser`."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [LOCK])


def without_forgotten(rows: Sequence[Row]) -> list[Row]:
    """Those rows that do not come of forgotten users. To be called in the transaction that writes them."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock_shared(%s)", [LOCK])
    until = _forgotten({row.application_id for row in rows if row.client_id})
    if not until:
        return list(rows)
    return [row for row in rows if not row.client_id or not _is_forgotten(row, until)]


def queries_forget(*, queries: Sequence[UUID]) -> tuple[Counter[str], dict[str, str]]:
    """Delete queries of one user with all that holds their words; the decisions about them stay, without the calls.

    Returns:
        How many rows of each kind are gone; and what stands in the place of each name of a cluster that is gone.
    """
    deleted: Counter[str] = Counter(
        reviews_blanked=Review.objects.filter(query_id__in=queries).update(before=FORGOTTEN, after=FORGOTTEN)
    )
    patterns = set(Query.objects.filter(pk__in=queries, pattern__isnull=False).values_list("pattern", flat=True))
    deleted.update(queries_delete(queries=queries))
    names = _patterns_forget(patterns)
    deleted["patterns"] = len(names)
    return deleted, names


def names_replace(text: str, names: Mapping[str, str]) -> str:
    """A text that quotes clusters, with other names in the place of those that are gone."""
    for gone, other in names.items():
        text = text.replace(f"“{gone}”", f"“{other}”")
    return text


def shadows_forget(queries: Sequence[UUID]) -> None:
    """Delete a challenger's answers to queries that never came in."""
    ShadowAnswer.objects.filter(pk__in=queries).delete()
    TeacherCall.objects.filter(query__in=queries).delete()


def samples_forget(*, application: Application, queries: set[str]) -> None:
    """Take queries out of the samples and contradictions of clusters."""
    changed = []
    for cluster in Cluster.objects.filter(application=application).only("samples", "contradictions").iterator():
        samples = {kind: [pk for pk in pks if pk not in queries] for kind, pks in cluster.samples.items()}
        left = [[pk for pk in pks if pk not in queries] for pks in cluster.contradictions]
        contradictions = [pks for pks in left if len(pks) > 1]
        if (samples, contradictions) != (cluster.samples, cluster.contradictions):
            cluster.samples, cluster.contradictions = samples, contradictions
            changed.append(cluster)
    Cluster.objects.bulk_update(changed, ["samples", "contradictions"], batch_size=500)


def _patterns_forget(patterns: set[int]) -> dict[str, str]:
    """Delete those that no query bears any more, and their words in the names and notes of clusters; returns what
    stands in the place of each."""
    empty = Pattern.objects.filter(pk__in=patterns).exclude(
        pk__in=Query.objects.filter(pattern__in=patterns).values("pattern")
    )
    templates = dict(empty.values_list("template", "application"))
    empty.delete()
    names = dict.fromkeys(templates, WORDS_DELETED)
    clusters = Cluster.objects.filter(application__in=set(templates.values()))
    for cluster in clusters.filter(name__in=list(templates)).order_by("pk"):  # what the newest is called now stands
        other = cluster.patterns.exclude(template__in=list(templates)).first()
        names[cluster.name] = other.template if other else f"{cluster.function or 'No call'} {WORDS_DELETED}"
        cluster.name = names[cluster.name]
        cluster.save(update_fields=["name"])
    for cluster in clusters.exclude(note="").only("note"):
        if (note := names_replace(cluster.note, names)) != cluster.note:
            Cluster.objects.filter(pk=cluster.pk).update(note=note)
    return names


def _forgotten(applications: set[int]) -> dict[tuple[int, str], datetime]:
    """Until when what a user said is deleted, by application and mark."""
    rows = ForgottenUser.objects.filter(application__in=applications).order_by("until") if applications else ()
    return {(row.application_id, row.mark): row.until for row in rows}


def _is_forgotten(row: Capture | Shadow, until: dict[tuple[int, str], datetime]) -> bool:
    at = row.arrived_at if isinstance(row, Capture) else row.answered_at
    limit = until.get((row.application_id, mark_of(row.application_id, row.client_id)))
    return limit is not None and at <= limit
