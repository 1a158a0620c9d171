from __future__ import annotations

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from curation.models import Application, Job
from curation.models.jobs import JobKind, JobState
from curation.models.reviews import Decision
from curation.services.cluster_reviews import cluster_decide
from tests.curation.traffic import make_cluster, make_clustering
from tests.training.learned import make_dataset, make_evaluation, make_student
from training.models import Alias, Dataset, Evaluation, Promotion, Student
from training.selectors import students as selectors


def champion_names() -> list[str]:
    return [alias.student.version for alias in Alias.objects.select_related("student")]


def test_a_student_is_promoted_and_rolled_back_in_one_click(
    client_of: dict[str, Client], evaluation: Evaluation, student: Student
) -> None:
    promoted = client_of["approver"].post(reverse("student_promote", args=[student.pk]), follow=True)
    assert f"{student} is champion" in promoted.content.decode()
    assert champion_names() == [student.version]
    back = client_of["approver"].post(reverse("roll_back"), follow=True)
    assert "The teacher answers everything" in back.content.decode()
    assert champion_names() == []
    assert Promotion.objects.count() == 2


def test_a_failing_check_refuses_the_promotion_with_its_sentence(
    client_of: dict[str, Client], dataset: Dataset
) -> None:
    student = make_student(dataset, threshold=None)
    make_evaluation(student)
    page = client_of["approver"].get(reverse("student", args=[student.pk])).content.decode()
    assert "No threshold keeps the disagreement within" in page and "failed" in page
    answer = client_of["approver"].post(reverse("student_promote", args=[student.pk]), follow=True)
    assert "cannot be promoted: No threshold keeps" in answer.content.decode()
    assert champion_names() == []


def test_nothing_to_roll_back_is_told_in_a_sentence(client_of: dict[str, Client], student: Student) -> None:
    answer = client_of["approver"].post(reverse("roll_back"), follow=True)
    assert "There is no promotion to roll back" in answer.content.decode()


def test_the_registry_shows_aliases_figures_and_history(
    client_of: dict[str, Client], evaluation: Evaluation, student: Student, dataset: Dataset
) -> None:
    client_of["approver"].post(reverse("student_promote", args=[student.pk]))
    never_evaluated = make_student(dataset)
    page = client_of["viewer"].get(reverse("students")).content.decode()
    assert "Champion" in page and "80.0%" in page and "by approver" in page
    assert never_evaluated.version in page


def test_a_student_tells_where_it_comes_from(client_of: dict[str, Client], student: Student, dataset: Dataset) -> None:
    page = client_of["viewer"].get(reverse("student", args=[student.pk])).content.decode()
    assert reverse("dataset", args=[dataset.pk]) in page
    assert reverse("run", args=[student.run_id]) in page
    assert "It has not been evaluated yet" in page


def test_only_approvers_see_the_buttons(client_of: dict[str, Client], student: Student) -> None:
    address, action = reverse("student", args=[student.pk]), reverse("student_promote", args=[student.pk])
    assert action not in client_of["viewer"].get(address).content.decode()
    assert action in client_of["approver"].get(address).content.decode()


def test_two_people_do_not_promote_over_each_other_unseen(
    client_of: dict[str, Client], evaluation: Evaluation, student: Student, dataset: Dataset
) -> None:
    other = make_student(dataset)
    make_evaluation(other)
    seen = client_of["approver"].get(reverse("student", args=[student.pk])).context["seen"]
    client_of["administrator"].post(reverse("student_promote", args=[other.pk]), {"seen": seen})
    late = client_of["approver"].post(reverse("student_promote", args=[student.pk]), {"seen": seen}, follow=True)
    assert f"Nothing was done: administrator made {other} champion" in late.content.decode()
    assert champion_names() == [other.version]
    back = client_of["approver"].post(reverse("roll_back"), {"seen": seen}, follow=True)
    assert "Nothing was done" in back.content.decode() and champion_names() == [other.version]
    again = late.context["seen"]
    client_of["approver"].post(reverse("student_promote", args=[student.pk]), {"seen": again})
    assert champion_names() == [student.version]


def test_a_roll_back_says_what_it_goes_back_to(
    client_of: dict[str, Client], evaluation: Evaluation, student: Student, dataset: Dataset
) -> None:
    client_of["approver"].post(reverse("student_promote", args=[student.pk]))
    assert "Roll back to the teacher alone" in client_of["approver"].get(reverse("students")).content.decode()
    other = make_student(dataset)
    make_evaluation(other)
    client_of["approver"].post(reverse("student_promote", args=[other.pk]))
    page = client_of["approver"].get(reverse("student", args=[other.pk])).content.decode()
    assert f"Roll back to {student.version}" in page


def test_the_decisions_behind_a_student_are_listed_down_to_inherited_ones(
    client_of: dict[str, Client], application: Application, users: dict[str, User]
) -> None:
    clustering = make_clustering(application)
    old, unrelated = make_cluster(clustering, "play {artist}"), make_cluster(clustering, "stop")
    for cluster, reviewer in ((old, users["reviewer"]), (unrelated, None)):
        cluster_decide(cluster=cluster, decision=Decision.APPROVE, user=reviewer)
    new = make_cluster(make_clustering(application), "play {artist} now", inherited_from=old)
    dataset = make_dataset(application, ["play Can", "play Blur"])
    dataset.clusters = [new.pk]
    dataset.save()
    student = make_student(dataset)
    page = client_of["viewer"].get(reverse("student", args=[student.pk]))
    assert (page.context["lineage"].by_people, page.context["lineage"].by_policy) == (1, 0)
    listed = client_of["viewer"].get(reverse("student_reviews", args=[student.pk]))
    assert [review.cluster for review in listed.context["page"].rows] == [old]
    assert reverse("cluster", args=[old.pk]) in listed.content.decode()
    none = client_of["viewer"].get(reverse("student_reviews", args=[student.pk]), {"kind": "corrections"})
    assert none.context["page"].rows == [] and "No decision of this kind" in none.content.decode()


def test_students_are_paged(client_of: dict[str, Client], dataset: Dataset, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(selectors, "STUDENTS_PER_PAGE", 2)
    made = [make_student(dataset) for _ in range(3)]
    first = client_of["viewer"].get(reverse("students")).context["page"]
    rest = client_of["viewer"].get(reverse("students"), {"before": first.before}).context["page"]
    assert [*first.rows, *rest.rows] == made[::-1] and rest.before is None


@pytest.mark.parametrize("until", ["yesterday", "2026-13-40T00:00", "2026-01-01", "\0"])
def test_a_history_until_no_time_is_the_newest(
    until: str, client_of: dict[str, Client], evaluation: Evaluation, student: Student
) -> None:
    client_of["approver"].post(reverse("student_promote", args=[student.pk]))
    page = client_of["viewer"].get(reverse("students"), {"until": until})
    assert len(page.context["timeline"].events) == 1


def test_an_evaluation_under_way_shows_how_far_it_is(client_of: dict[str, Client], student: Student) -> None:
    client_of["approver"].post(reverse("evaluation_new", args=[student.pk]))
    page = client_of["viewer"].get(reverse("student", args=[student.pk])).content.decode()
    address = reverse("job_under_way", args=[Job.objects.get(kind=JobKind.EVALUATE).pk])
    assert f'hx-get="{address}" hx-trigger="every 2s"' in page and "It waits for a worker" in page
    Job.objects.update(state=JobState.RUNNING, progress=0.5, message="45 of 90 queries")
    assert "45 of 90 queries" in client_of["viewer"].get(address).content.decode()
    Job.objects.update(state=JobState.DONE)
    assert client_of["viewer"].get(address)["HX-Refresh"] == "true"
    assert address not in client_of["viewer"].get(reverse("student", args=[student.pk])).content.decode()
