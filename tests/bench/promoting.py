"""Students for `faults`: rows for an artifact, promoted and taken back by the services that the pages use."""

from __future__ import annotations

import json
from pathlib import Path

from curation.models import Application
from curation.services.applications import application_get, tool_set_ensure
from tests.training.learned import make_dataset, make_evaluation, make_student
from training.models import RoutingPolicy, Student
from training.services.promotions import promote, roll_back
from training.students.artifacts import MANIFEST, hash_file


def act(what: str, slug: str, artifact: str) -> None:
    """`first` and `second` promote a student of their own, `back` takes the latest promotion back."""
    application = application_get(slug=slug)
    # The teacher of the measurement always says the same: audits would find that out and switch the student off.
    RoutingPolicy.objects.update_or_create(application=application, defaults={"audit_share": 0.0})
    if what == "back":
        roll_back(application=application)
    else:
        promote(student=make_promotable(application, Path(artifact)))


def make_promotable(application: Application, artifact: Path) -> Student:
    meta = json.loads((artifact / "meta.json").read_text())
    dataset = make_dataset(application, [])
    student = make_student(dataset)
    student.tool_set = tool_set_ensure(application=application, tools=meta["tools"])
    student.artifact, student.manifest_sha256 = artifact.absolute().as_uri(), hash_file(artifact / MANIFEST)
    student.threshold = meta["threshold"]
    student.save()
    make_evaluation(student)
    return student
