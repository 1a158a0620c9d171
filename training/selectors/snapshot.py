"""What a gateway has to know, as one plain value: it is read at once, compared at once and kept on disk."""

from __future__ import annotations

import msgspec

from curation.models import Application, Teacher
from training.models import Alias, ApiKey, RoutingPolicy
from training.models.promotions import AliasName


class KeyEntry(msgspec.Struct, frozen=True):
    """A key that is not revoked; it is found by the SHA-256 of its text."""

    id: int
    application_id: int


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


class StudentEntry(msgspec.Struct, frozen=True):
    """The champion: where its artifact lies, and how it is known to be the right one."""

    version: str
    artifact: str
    manifest_sha256: str
    tool_set_sha256: str
    threshold: float | None


class ApplicationEntry(msgspec.Struct, frozen=True):
    """One application with everything that decides over its requests."""

    id: int
    slug: str
    policy: PolicyEntry
    teacher: TeacherEntry | None
    champion: StudentEntry | None


class Snapshot(msgspec.Struct, frozen=True):
    """All applications by id, and the keys by the SHA-256 of their text."""

    keys: dict[str, KeyEntry] = {}
    applications: dict[int, ApplicationEntry] = {}


def read_snapshot() -> Snapshot:
    """The state of the database now, in five queries."""
    teachers = {row.application_id: _teacher(row) for row in Teacher.objects.all()}
    policies = {row.application_id: _policy(row) for row in RoutingPolicy.objects.all()}
    champions = {
        row.application_id: _student(row)
        for row in Alias.objects.filter(name=AliasName.CHAMPION).select_related("student__tool_set")
    }
    applications = {
        pk: ApplicationEntry(pk, slug, policies.get(pk, PolicyEntry()), teachers.get(pk), champions.get(pk))
        for pk, slug in Application.objects.order_by("pk").values_list("pk", "slug")
    }
    keys = {sha256: key for sha256, key in _keys().items() if key.application_id in applications}
    return Snapshot(keys, applications)


def _keys() -> dict[str, KeyEntry]:
    rows = ApiKey.objects.filter(revoked_at=None).order_by("pk").values_list("sha256", "pk", "application_id")
    return {sha256: KeyEntry(pk, application_id) for sha256, pk, application_id in rows}


def _teacher(row: Teacher) -> TeacherEntry:
    return TeacherEntry(row.base_url, row.model, row.api_key_env, row.timeout_seconds)


def _policy(row: RoutingPolicy) -> PolicyEntry:
    return PolicyEntry(row.inline, row.allow_context, tuple(row.switched_off))


def _student(row: Alias) -> StudentEntry:
    student = row.student
    return StudentEntry(
        student.version,
        student.artifact,
        student.manifest_sha256,
        student.tool_set.sha256,
        student.threshold,
    )
