"""Where the events of the audit trail come from, and how each kind of row is told."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, cast

from django.contrib.admin.models import ADDITION, DELETION, LogEntry
from django.contrib.auth.models import User
from django.contrib.contenttypes.models import ContentType

from curation.models import Application, ForgottenUser, Job, Review
from curation.selectors.people import COMMAND
from training.models import ApiKey, AutopilotAction, Dataset, Judgement, Promotion, SwitchOff
from training.models.promotions import AliasName

MOST_HISTORIES = 10_000


@dataclass(frozen=True, slots=True)
class Event:
    """One decision. `who` is a username, empty where the policy decided; `page` and `key` name what it is about."""

    at: datetime
    source: str
    pk: int
    kind: str
    who: str
    what: str
    about: str = ""
    page: str = ""
    key: Any = None
    before: dict[str, Any] = field(default_factory=dict)
    after: dict[str, Any] = field(default_factory=dict)
    by: str = "the policy"
    """Who it was if it was no person."""


def dataset_events(application: Application) -> Iterator[Event]:
    rows = Dataset.objects.filter(application=application).exclude(history=[]).order_by("-pk")
    columns = rows.values_list("pk", "version", "history")[:MOST_HISTORIES]
    for pk, version, history in columns.iterator():
        for place, item in enumerate(history):
            what, at = _DATASET[item["what"]], datetime.fromisoformat(item["at"])
            after = {"examples": item["examples"]} if "examples" in item else {}
            by = COMMAND if "examples" in item else "the policy"
            number = pk * 1000 + place
            yield Event(
                at, "dataset", number, "datasets", item["by"], what, f"Dataset {version}", "dataset", pk, {}, after, by
            )


_DATASET = {
    "approved": "Dataset approved",
    "taken back": "Approval of a dataset taken back",
    "examples deleted": "Examples of a user deleted",
}


def _who(user: User | None) -> str:
    return user.username if user and user.username != COMMAND else ""


def _differing(before: dict[str, Any], after: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """What differs between the two."""
    names = [name for name in {**before, **after} if before.get(name) != after.get(name)]
    return tuple({name: side[name] for name in names if name in side} for side in (before, after))  # type: ignore[return-value]


def review_event(row: Review) -> Event:
    before, after = _differing(row.before, row.after)
    page, key, about = "", cast(Any, None), ""
    if row.query_id:
        page, key, about = "query", row.query_id, "a query"
    elif row.cluster:
        page, key, about = "cluster", row.cluster_id, row.cluster.name
    what = row.get_decision_display()
    return Event(row.created_at, "review", row.pk, "reviews", _who(row.reviewer), what, about, page, key, before, after)


def judgement_event(row: Judgement) -> Event:
    return _verdict(row, "verdict", row.created_at, row.judged_by, row.get_verdict_display())


def judgement_undone_event(row: Judgement) -> Event:
    assert row.undone_at is not None
    what = f"Verdict taken back: {row.get_verdict_display().lower()}"
    return _verdict(row, "verdict undone", row.undone_at, row.undone_by, what)


def _verdict(row: Judgement, source: str, at: datetime, user: User | None, what: str) -> Event:
    key = row.example.evaluation_id
    return Event(at, source, row.pk, "verdicts", _who(user), what, row.example.text, "evaluation", key)


def promotion_event(row: Promotion) -> Event:
    student = row.student or row.previous
    before = {row.alias: row.previous.version if row.previous else None}
    after = {row.alias: row.student.version if row.student else None}
    what = _moved(row)
    if what == "Canary share changed":
        before, after = {}, {"sentence": " ".join(check["sentence"] for check in row.checks)}
    about, key = (student.version, student.pk) if student else ("the teacher alone", None)
    page = "student" if student else ""
    at, who = row.created_at, _who(row.promoted_by)
    return Event(at, "promotion", row.pk, "students", who, what, about, page, key, before, after)


def _moved(row: Promotion) -> str:
    if row.rolled_back_id:
        return "Rolled back"
    if row.alias == AliasName.CHAMPION:
        return "Promoted"
    if row.student_id is None:
        return "Challenger withdrawn"
    return "Canary share changed" if row.student_id == row.previous_id else "Made challenger"


def switched_off_event(row: SwitchOff) -> Event:
    about, key = f"{row.function or 'everything'} of {row.student}", row.student_id
    after = {"reason": row.reason}
    what = "Switched off"
    return Event(
        row.created_at, "switch-off", row.pk, "switch-offs", "", what, about, "student", key, {}, after, "the audits"
    )


def turned_on_event(row: SwitchOff) -> Event:
    assert row.lifted_at is not None
    about, who = f"{row.function or 'everything'} of {row.student}", _who(row.lifted_by)
    return Event(
        row.lifted_at, "turned on", row.pk, "switch-offs", who, "Turned on again", about, "student", row.student_id
    )


def job_event(row: Job) -> Event:
    what = f"Started: {row.get_kind_display().lower()}"
    return Event(
        row.created_at, "job", row.pk, "jobs", _who(row.started_by), what, f"Job {row.pk}", "jobs", None,
        {}, row.parameters, f"the {row.get_trigger_display().lower()}",
    )  # fmt: skip


def job_cancelled_event(row: LogEntry) -> Event:
    details, about = _details(row.change_message), f"Job {row.object_id}: {row.object_repr}"
    before, after = details["before"], details["after"]
    return Event(
        row.action_time, "job cancelled", row.pk, "jobs", _who(row.user), "Job cancelled", about, "jobs", None,
        before, after,
    )  # fmt: skip


def autopilot_event(row: AutopilotAction) -> Event:
    what = "Autopilot set" if row.user_id else "Autopilot asks" if row.asks else "Autopilot acted"
    step = row.get_step_display() if row.step else "its settings"
    after = {"sentence": row.sentence}
    return Event(
        row.created_at, "autopilot", row.pk, "autopilot", _who(row.user), what, step, "autopilot", None, {}, after
    )


def key_event(row: ApiKey) -> Event:
    return Event(row.created_at, "key", row.pk, "keys", "", "Key made", str(row), by=COMMAND)


def setting_event(row: LogEntry) -> Event:
    details = _details(row.change_message)
    name = row.content_type.name if row.content_type else "row"
    verb = {ADDITION: "added", DELETION: "deleted"}.get(row.action_flag, "changed")
    what = f"{name.capitalize()} {verb}"
    before, after = details.get("before", {}), details.get("after", {})
    if not details and row.change_message:
        after = {"console": row.get_change_message()}
    kind = "keys" if row.content_type_id == type_of(ApiKey).pk else "settings"
    source = "key setting" if kind == "keys" else "setting"
    who, about = _who(row.user), row.object_repr
    return Event(row.action_time, source, row.pk, kind, who, what, about, "", None, before, after, COMMAND)


def _details(message: str) -> dict[str, Any]:
    """What `change_record` wrote; nothing for what the console recorded by itself."""
    try:
        (entry,) = json.loads(message)
        (details,) = entry.values()
    except (ValueError, TypeError, AttributeError):
        return {}
    return details if isinstance(details, dict) and "application" in details else {}


def deletion_event(row: ForgottenUser) -> Event:
    after = {**row.deleted, "done": row.done_at is not None}
    what = "All queries of a user deleted"
    return Event(
        row.until, "deletion", row.pk, "deletions", _who(row.asked_by), what, "a user", "", None, {}, after,
        COMMAND,
    )  # fmt: skip


def type_of(model: Any) -> ContentType:
    return ContentType.objects.get_for_model(model)
