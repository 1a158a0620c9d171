from __future__ import annotations

from django.test import Client
from django.urls import reverse

from tests.training.learned import make_evaluation, make_student
from training.models import Alias, Dataset, Evaluation, Promotion, Student


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
