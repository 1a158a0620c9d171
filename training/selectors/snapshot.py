"""What a gateway has to know, as one plain value: it is read at once, compared at once and kept on disk."""

from __future__ import annotations

from collections import defaultdict

import msgspec

from curation.models import Application, Teacher
from training.models import Alias, ApiKey, AuditTally, RoutingPolicy, Student, SwitchOff
from training.models.audits import WHOLE
from training.models.promotions import AliasName


class KeyEntry(msgspec.Struct, frozen=True):
    """A key that is not revoked; it is found by the SHA-256 of its text."""

    id: int
    application_id: int
    requests_per_minute: int | None = None


class TeacherEntry(msgspec.Struct, frozen=True):
    """Where the teacher is. Its key stands in the environment, never here."""

    base_url: str
    model: str
    api_key_env: str
    timeout_seconds: float


class PolicyEntry(msgspec.Struct, frozen=True):
    """The part of the routing policy that a request meets."""

    inline: bool = True
    allow_context: bool = False
    switched_off: tuple[str, ...] = ()
    canary_share: float = 0.0
    shadow: bool = False
    audit_share: float = 0.0


class StudentEntry(msgspec.Struct, frozen=True):
    """A champion or challenger: where its artifact lies, how it is known to be the right one, what audits saw of it."""

    version: str
    artifact: str
    manifest_sha256: str
    tool_set_sha256: str
    threshold: float | None
    stopped: bool = False
    """Whether audits took the whole of it out of service."""
    switched_off: tuple[str, ...] = ()
    """The functions that audits took out of service."""
    audited: int = 0
    disagreed: int = 0


class ApplicationEntry(msgspec.Struct, frozen=True):
    """One application with everything that decides over its requests."""

    id: int
    slug: str
    policy: PolicyEntry
    teacher: TeacherEntry | None
    champion: StudentEntry | None
    challenger: StudentEntry | None = None
    mask_personal: bool = False
    """Whether what is kept of a request bears made-up addresses and numbers."""


class Snapshot(msgspec.Struct, frozen=True):
    """All applications by id, and the keys by the SHA-256 of their text."""

    keys: dict[str, KeyEntry] = {}
    applications: dict[int, ApplicationEntry] = {}


def read_snapshot() -> Snapshot:
    """The state of the database now, in seven queries."""
    teachers = {row.application_id: _teacher(row) for row in Teacher.objects.all()}
    policies = {row.application_id: _policy(row) for row in RoutingPolicy.objects.all()}
    students = _students()
    applications = {
        pk: ApplicationEntry(
            pk,
            slug,
            policies.get(pk, PolicyEntry()),
            teachers.get(pk),
            students.get((pk, AliasName.CHAMPION)),
            students.get((pk, AliasName.CHALLENGER)),
            mask_personal,
        )
        for pk, slug, mask_personal in Application.objects.order_by("pk").values_list("pk", "slug", "mask_personal")
    }
    keys = {sha256: key for sha256, key in _keys().items() if key.application_id in applications}
    return Snapshot(keys, applications)


def _keys() -> dict[str, KeyEntry]:
    rows = ApiKey.objects.filter(revoked_at=None).order_by("pk")
    columns = rows.values_list("sha256", "pk", "application_id", "requests_per_minute")
    return {sha256: KeyEntry(pk, application_id, limit) for sha256, pk, application_id, limit in columns}


def _teacher(row: Teacher) -> TeacherEntry:
    return TeacherEntry(row.base_url, row.model, row.api_key_env, row.timeout_seconds)


def _policy(row: RoutingPolicy) -> PolicyEntry:
    return PolicyEntry(
        row.inline, row.allow_context, tuple(row.switched_off), row.canary_share, row.shadow, row.audit_share
    )


def _students() -> dict[tuple[int, str], StudentEntry]:
    """The students behind the aliases, by application and alias."""
    rows = Alias.objects.select_related("student__tool_set").order_by("pk")
    off: dict[int, list[str]] = defaultdict(list)
    switched_off = SwitchOff.objects.filter(lifted_at=None).order_by("function")
    for pk, function in switched_off.values_list("student", "function"):
        off[pk].append(function)
    tallies = {row.student_id: row for row in AuditTally.objects.filter(function=WHOLE)}
    return {
        (row.application_id, row.name): _student(row.student, off[row.student_id], tallies.get(row.student_id))
        for row in rows
    }


def _student(student: Student, off: list[str], tally: AuditTally | None) -> StudentEntry:
    return StudentEntry(
        student.version,
        student.artifact,
        student.manifest_sha256,
        student.tool_set.sha256,
        student.threshold,
        WHOLE in off,
        tuple(name for name in off if name != WHOLE),
        tally.audited if tally else 0,
        tally.disagreed if tally else 0,
    )
