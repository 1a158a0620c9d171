"""Everything that one user of an application has said, deleted wherever it stands.

Safe to run again: each batch of queries goes in one transaction, with the examples drawn from it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from uuid import UUID

import msgspec
from django.conf import settings
from django.db import transaction
from django.utils import timezone

from curation.models import Application, ForgottenUser, Job
from curation.models.jobs import JobKind, Trigger
from curation.selectors.retention import queries_of_user
from curation.services.forgetting import (
    forgetting_begin,
    names_replace,
    queries_forget,
    samples_forget,
    writers_wait_for,
)
from curation.services.jobs import Report, job_create, job_run
from training.models import AutopilotAction, Dataset, DatasetExample, EvaluationExample
from training.models.autopilot import AutopilotStep, cluster_subject
from training.services.records import read_record
from training.services.rejections import read_rejected_lines, write_rejected
from training.services.segments import claimed, rejected_files

BATCH = 1000
DELETED_TEXT = "(deleted)"
EXAMPLES_DELETED = "examples deleted"


def user_forget(*, forgotten: ForgottenUser, report: Report) -> dict[str, int]:
    """Delete what the user said until the moment noted, and then their id; returns how many rows of each kind."""
    if forgotten.done_at:
        return dict(forgotten.deleted)
    report("Waiting for traffic that is being written", 0.0)
    writers_wait_for()
    queries = queries_of_user(forgotten.application, forgotten.client_id).filter(arrived_at__lte=forgotten.until)
    total = max(queries.count(), 1)
    while keys := list(queries.order_by("-id").values_list("id", flat=True)[:BATCH]):
        gone = forgotten.deleted.get("queries", 0)
        report("Deleting", min(gone / total, 1.0), f"{gone:,} queries deleted")
        _forget_batch(forgotten, keys)
    lines = _rejected_forget(Path(settings.SPOOL_DIR), forgotten)
    forgotten.deleted = {**forgotten.deleted, "spool_lines": lines}
    forgotten.client_id, forgotten.done_at = "", timezone.now()
    forgotten.save(update_fields=["deleted", "client_id", "done_at"])
    return dict(forgotten.deleted)


def forget_now(*, application: Application, client_id: str) -> Job:
    """Delete what a user has said in this process, with a row in the list of jobs.

    Raises:
        OdiaError: as `forgetting_begin`.
    """
    forgotten = forgetting_begin(application=application, client_id=client_id, user=None)
    job = job_create(
        application=application,
        kind=JobKind.FORGET,
        trigger=Trigger.COMMAND,
        parameters={"deletion": forgotten.pk},
    )
    return job_run(job=job, work=lambda report: user_forget(forgotten=forgotten, report=report))


@transaction.atomic
def _forget_batch(forgotten: ForgottenUser, queries: Sequence[UUID]) -> None:
    deleted = Counter(forgotten.deleted)
    deleted["dataset_examples"] += _dataset_examples_forget(forgotten, queries)
    deleted["evaluation_examples"] += _evaluation_examples_forget(forgotten.application, queries)
    samples_forget(application=forgotten.application, queries={str(pk) for pk in queries})
    gone, names = queries_forget(queries=queries)
    deleted.update(gone)
    _names_forget(forgotten.application, names)
    forgotten.deleted = dict(deleted)
    forgotten.save(update_fields=["deleted"])


def _names_forget(application: Application, names: Mapping[str, str]) -> None:
    """Let what the autopilot has said of clusters name them as they are called now, so that it asks no second time."""
    actions = AutopilotAction.objects.filter(application=application, step=AutopilotStep.APPROVE_CLUSTERS)
    for action in actions if names else ():
        action.sentence = names_replace(action.sentence, names)
        function = action.subject.partition(": ")[0]
        subjects = {cluster_subject(function, old): cluster_subject(function, new) for old, new in names.items()}
        action.subject = subjects.get(action.subject, action.subject)
        action.save(update_fields=["sentence", "subject"])


def _dataset_examples_forget(forgotten: ForgottenUser, queries: Sequence[UUID]) -> int:
    """Delete the examples drawn from these queries; each dataset says in its history that it is not what it was."""
    examples = DatasetExample.objects.filter(dataset__application=forgotten.application, query_id__in=queries)
    number = Counter(examples.values_list("dataset", flat=True))
    for dataset in Dataset.objects.filter(pk__in=number).select_for_update().order_by("pk"):
        _note_alteration(dataset, forgotten, number[dataset.pk])
    DatasetExample.objects.filter(dataset__in=number, query_id__in=queries).delete()
    return number.total()


def _note_alteration(dataset: Dataset, forgotten: ForgottenUser, number: int) -> None:
    same = {"what": EXAMPLES_DELETED, "deletion": forgotten.pk}
    note = next((item for item in dataset.history if same.items() <= item.items()), None)
    if note is None:
        by = forgotten.asked_by.username if forgotten.asked_by else ""
        note = {**same, "by": by, "at": timezone.now().isoformat(), "examples": 0}
        dataset.history.append(note)
    note["examples"] += number
    dataset.save(update_fields=["history"])


def _evaluation_examples_forget(application: Application, queries: Sequence[UUID]) -> int:
    """Take the words out; the rows stay, since the figures count them and verdicts hang on them."""
    rows = EvaluationExample.objects.filter(evaluation__student__application=application, query_id__in=queries)
    return rows.update(text=DELETED_TEXT, arguments={}, student_arguments={})


def _rejected_forget(spool_dir: Path, forgotten: ForgottenUser) -> int:
    """Delete the user's lines among those that could not be shipped, as far as the spool is on this machine."""
    return sum(_file_forget(path, forgotten) for path in (rejected_files(spool_dir) if spool_dir.is_dir() else []))


def _file_forget(path: Path, forgotten: ForgottenUser) -> int:
    with claimed(path) as mine:
        if not mine:
            return 0
        lines = read_rejected_lines(path)
        left = [line for line in lines if not _is_of(line.line.encode(), forgotten)]
        if len(left) < len(lines):
            write_rejected(path, left)
        return len(lines) - len(left)


def _is_of(line: bytes, forgotten: ForgottenUser) -> bool:
    try:
        record = read_record(line)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return False
    return (record.application_id, record.client_id) == (forgotten.application_id, forgotten.client_id)
