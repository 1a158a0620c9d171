"""The loop on real parts: real mining, a real (tiny) student, its real evaluation."""

from __future__ import annotations

import pytest

from curation.errors import OdiaError
from curation.ml.calls import Call
from curation.models import Application, Job, Review
from tests.training.services.conftest import quiet, unseen
from training.models import Dataset, Evaluation, Promotion, Student
from training.services.evaluations import serve
from training.services.loop import run_loop

TINY = {"layers": 1, "epochs": 12}


@pytest.fixture
def fresh(application: Application) -> Application:
    unseen(application)
    return application


def test_from_traffic_to_a_student_that_answers(fresh: Application) -> None:
    result = run_loop(application=fresh, approve="policy", config=TINY, promote_student=True, watch=quiet)
    assert result.approved > 0
    assert set(Review.objects.values_list("reviewer", flat=True)) == {None}
    student = Student.objects.get()
    assert result.student == student.version
    assert result.evaluation["test_examples"] == Evaluation.objects.get().examples.count()
    assert serve(student).predict(["put on dido"])[0].call == Call("play_artist", {"artist": "dido"})
    assert {job.state for job in Job.objects.all()} == {"done"}
    assert result.promoted == all(check.passed for check in result.checks) == Promotion.objects.exists()
    assert result.promoted or result.needs.startswith(f"{student} is not promoted: ")


def test_without_the_policy_it_stops_where_a_person_is_needed(fresh: Application) -> None:
    result = run_loop(application=fresh, approve="none", config=TINY, watch=quiet)
    assert (result.approved, result.dataset, result.student) == (0, None, None)
    assert result.needs == "No cluster is approved: decide on the clusters page."
    fresh.clusterings.get().clusters.exclude(function="").update(status="approved")
    result = run_loop(application=fresh, approve="none", config=TINY, watch=quiet)
    assert (result.dataset, result.student) == (1, None)
    assert result.needs == "Dataset 1 is a draft: approve it on the datasets page."
    assert Dataset.objects.get().status == "draft"


def test_an_application_without_traffic_says_so(application: Application) -> None:
    with pytest.raises(OdiaError, match="no traffic to mine"):
        run_loop(application=application, approve="policy", config=TINY, watch=quiet)
    assert Job.objects.get().state == "failed"


def test_a_changed_artifact_is_not_served(fresh: Application) -> None:
    run_loop(application=fresh, approve="policy", config=TINY, watch=quiet)
    student = Student.objects.get()
    student.manifest_sha256 = "0" * 64
    with pytest.raises(OdiaError, match="is not the one that was registered"):
        serve(student)
