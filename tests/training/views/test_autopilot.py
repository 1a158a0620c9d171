"""The page of the autopilot, what the overview says of it, and the command."""

from __future__ import annotations

import io
import json

import pytest
from django.contrib.auth.models import User
from django.core.management import call_command
from django.core.management.base import CommandError
from django.test import Client
from django.urls import reverse

from curation.models import Application
from curation.models.clusters import ClusterStatus
from tests.curation.traffic import make_cluster, make_clustering
from tests.training.learned import make_dataset, make_evaluation, make_student
from training.autopilot import autopilot_tick
from training.models import Alias, AutopilotAction, Dataset, Evaluation, RoutingPolicy
from training.models.datasets import DatasetStatus
from training.selectors.autopilot import autopilot_of
from training.services.autopilot import autopilot_change

SETTINGS = {
    "label_limit": "100",
    "cluster_after": "500",
    "quiet_minutes": "0",
    "distil_after": "0.2",
    "first_canary": "0.05",
    "trial_answers": "200",
}


def switch_on(application: Application, user: User | None = None, **changes: object) -> None:
    autopilot_change(application=application, changes={"enabled": True, **changes}, user=user)


@pytest.fixture
def asking(application: Application) -> Application:
    """A draft that is left to people."""
    make_dataset(application, ["play Can", "play Neu", "play Faust"], status=DatasetStatus.DRAFT)
    RoutingPolicy.objects.create(application=application, epsilon=0.96)
    switch_on(application, left_to_people=["approve_dataset"])
    return application


def test_every_step_is_shown_with_its_reason_though_it_is_off(
    client_of: dict[str, Client], application: Application
) -> None:
    page = client_of["viewer"].get(reverse("autopilot")).content.decode()
    assert "It does nothing by itself" in page
    assert "Cluster new traffic" in page and "Promote the student" in page
    assert "queries with an answer are in no clustering yet" in page
    assert "Settings</h2>" not in page, "who may not change them sees no form"


def test_an_administrator_switches_it_on_and_the_log_says_who(
    client_of: dict[str, Client], application: Application, users: dict[str, User]
) -> None:
    answer = client_of["administrator"].post(
        reverse("autopilot_change"), {**SETTINGS, "enabled": "on", "left_to_people": ["promote", "widen"]}, follow=True
    )
    page = answer.content.decode()
    autopilot = autopilot_of(application)
    assert (autopilot.enabled, autopilot.left_to_people, autopilot.cluster_after) == (True, ["promote", "widen"], 500)
    logged = AutopilotAction.objects.get()
    assert (logged.step, logged.user) == ("", users["administrator"])
    assert "switched on" in logged.sentence and "500, before 1000" in logged.sentence
    assert "by administrator" in page
    client_of["administrator"].post(
        reverse("autopilot_change"), {**SETTINGS, "enabled": "on", "left_to_people": ["promote", "widen"]}
    )
    assert AutopilotAction.objects.count() == 1, "nothing was changed"


def test_what_is_wrong_is_said_and_nothing_is_changed(client_of: dict[str, Client], application: Application) -> None:
    answer = client_of["administrator"].post(reverse("autopilot_change"), {**SETTINGS, "first_canary": "0"})
    assert "the student meets nobody" in answer.content.decode()
    assert autopilot_of(application).cluster_after == 1000


def test_a_question_stands_on_the_overview_until_it_is_answered(
    client_of: dict[str, Client], asking: Application
) -> None:
    autopilot_tick(application=asking)
    autopilot_tick(application=asking)
    [asked] = AutopilotAction.objects.filter(asks=True)
    dataset = asking.datasets.get()
    overview = client_of["approver"].get(reverse("home")).content.decode()
    assert "Autopilot on" in overview and "Autopilot asks" in overview
    assert asked.sentence in overview and reverse("dataset", args=[dataset.pk]) in overview
    client_of["approver"].post(reverse("dataset_approve", args=[dataset.pk]))
    assert "Autopilot asks" not in client_of["approver"].get(reverse("home")).content.decode()
    assert [action.step for action in autopilot_tick(application=asking)] == ["distil"]


def test_who_is_asked_to_build_is_led_to_where_that_is_done(
    client_of: dict[str, Client], application: Application
) -> None:
    make_cluster(make_clustering(application), "play {artist}", status=ClusterStatus.APPROVED)
    switch_on(application, left_to_people=["build"], quiet_minutes=0)
    [step] = [one for one in client_of["approver"].get(reverse("autopilot")).context["steps"] if one.badge == "Asks"]
    assert step.proposal.step == "build"
    assert client_of["approver"].get(step.href).status_code == 200


def test_what_it_leaves_to_people_without_a_word_stands_on_the_overview_too(
    client_of: dict[str, Client], application: Application, users: dict[str, User]
) -> None:
    """A draft that somebody built with own choices, and a champion that got worse on live traffic."""
    switch_on(application)
    draft = make_dataset(application, ["play Can"], status=DatasetStatus.DRAFT)
    Dataset.objects.update(built_by=users["approver"], choices={"limit": 9})
    evaluation = make_evaluation(make_student(draft))
    Evaluation.objects.update(dataset=None, regressions=[{"function": "play_music"}])
    Alias.objects.create(application=application, name="champion", student=evaluation.student)
    overview = client_of["viewer"].get(reverse("home")).content.decode()
    assert reverse("dataset", args=[draft.pk]) in overview and "It waits for approval." in overview
    assert reverse("evaluation", args=[evaluation.pk]) in overview and "It got worse at: play_music." in overview


def test_the_overview_lists_only_what_needs_a_person(client_of: dict[str, Client], application: Application) -> None:
    make_cluster(make_clustering(application), "play {artist}", simplicity=0.9)
    assert "play {artist}" in client_of["viewer"].get(reverse("home")).content.decode()
    switch_on(application)
    overview = client_of["viewer"].get(reverse("home")).content.decode()
    assert "“play {artist}” has 10.0% of the traffic, but its purity is 60% at least" in overview


def test_the_log_goes_on_behind_its_first_page(client_of: dict[str, Client], application: Application) -> None:
    for number in range(40):
        AutopilotAction.objects.create(application=application, step="build", sentence=f"Reason number {number}.")
    first = client_of["viewer"].get(reverse("autopilot"))
    assert "Reason number 39." in first.content.decode() and "Reason number 3." not in first.content.decode()
    older = client_of["viewer"].get(first.context["older"].split("#")[0]).content.decode()
    assert "Reason number 3." in older


def test_the_page_needs_few_queries(client_of: dict[str, Client], asking: Application, django_assert_max_num_queries):
    with django_assert_max_num_queries(40):
        client_of["administrator"].get(reverse("autopilot"))


def run(*arguments: str) -> str:
    out = io.StringIO()
    call_command("autopilot", *arguments, stdout=out)
    return out.getvalue()


def test_the_command_takes_a_tick_and_prints_what_it_did(application: Application) -> None:
    make_dataset(application, ["play Can", "play Neu", "play Faust"], status=DatasetStatus.DRAFT)
    RoutingPolicy.objects.create(application=application, epsilon=0.96)
    switch_on(application)
    dry = json.loads(run("--application", "music", "--dry-run", "--json").splitlines()[-1])
    assert dry["enabled"] is True and dry["done"] == []
    due = [step["step"] for step in dry["steps"] if step["due"]]
    assert due == ["approve_dataset"]
    assert set(dry["steps"][0]) == {"step", "due", "asks", "waiting", "sentence"}
    result = json.loads(run("--application", "music", "--json").splitlines()[-1])
    assert [done["step"] for done in result["done"]] == ["approve_dataset", "distil"]
    assert result["done"][1]["job"] == application.jobs.get().pk


def test_the_command_says_that_it_is_off(application: Application) -> None:
    with pytest.raises(CommandError, match="The autopilot of Music is off"):
        run("--application", "music")
    assert "The autopilot is off: it would do nothing." in run("--application", "music", "--dry-run")
