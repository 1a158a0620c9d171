from __future__ import annotations

import pytest
from django.test import Client
from django.urls import reverse

from curation.models import Application, Cluster, Job
from curation.models.jobs import JobKind, JobState, Trigger
from tests.training.services.conftest import busy
from training import tasks
from training.models import Dataset
from training.models.build_choices import BuildChoices

__all__ = ["busy"]
HTMX = {"HX-Request": "true"}


def test_before_any_clustering_the_page_says_what_to_do(client_of: dict[str, Client], application: Application) -> None:
    page = client_of["reviewer"].get(reverse("datasets")).content.decode()
    assert "The traffic has not been clustered" in page and "Build dataset" not in page


def test_without_an_approved_cluster_the_page_says_what_to_do(client_of: dict[str, Client], busy: Application) -> None:
    Cluster.objects.update(status="proposed")
    page = client_of["reviewer"].get(reverse("datasets")).content.decode()
    assert "No cluster is approved yet" in page and "Build dataset" not in page


def test_the_page_shows_what_a_dataset_would_be(client_of: dict[str, Client], busy: Application) -> None:
    page = client_of["reviewer"].get(reverse("datasets"))
    assert "It would hold" in page.content.decode()
    assert page.context["estimate"].selected > 0


def test_choices_narrow_it_and_htmx_gets_it_alone(client_of: dict[str, Client], busy: Application) -> None:
    whole = client_of["reviewer"].get(reverse("datasets"), headers=HTMX)
    narrowed = client_of["reviewer"].get(reverse("datasets"), {"without_functions": "pause"}, headers=HTMX)
    text = narrowed.content.decode()
    assert "<html" not in text and "without pause" in text
    assert narrowed.context["estimate"].selected <= whole.context["estimate"].selected
    assert '<input type="hidden" name="without_functions" value="pause">' in text, "what is built is what is shown"


@pytest.mark.parametrize("query", [{"limit": "0"}, {"limit": "x"}, {"since": "soon"}, {"without_clusters": "99999999"}])
def test_a_choice_that_does_not_fit_is_told_and_not_built(
    query: dict[str, str], client_of: dict[str, Client], busy: Application
) -> None:
    page = client_of["reviewer"].get(reverse("datasets"), query, headers=HTMX).content.decode()
    assert 'class="message error"' in page
    client_of["reviewer"].post(reverse("dataset_new"), query)
    assert not Job.objects.exists()


def test_a_build_is_a_job_that_leads_to_the_dataset(
    client_of: dict[str, Client], busy: Application, django_capture_on_commit_callbacks
) -> None:
    with django_capture_on_commit_callbacks() as queued:
        answer = client_of["reviewer"].post(reverse("dataset_new"), {"limit": "40"})
    job = Job.objects.get()
    address = reverse("dataset_build", args=[job.pk])
    assert (answer["location"], len(queued)) == (address, 1)
    assert (job.kind, job.parameters, str(job.started_by)) == (JobKind.BUILD, {"limit": 40}, "reviewer")
    waiting = client_of["viewer"].get(address, headers=HTMX).content.decode()
    assert 'hx-trigger="every 1s"' in waiting and "Waits for a worker" in waiting
    tasks.build(job.pk)
    dataset = Dataset.objects.get()
    done = client_of["viewer"].get(address, headers=HTMX)
    assert done["HX-Redirect"] == reverse("dataset", args=[dataset.pk])
    page = client_of["viewer"].get(done["HX-Redirect"]).content.decode()
    assert "Dataset 1 is built. Look at its examples, then approve it." in page
    assert "The newest 40 distinct queries" in page
    later = client_of["reviewer"].get(address).content.decode()
    assert "Dataset 1 is built." in later and done["HX-Redirect"] in later and "every 1s" not in later


def test_the_same_examples_again_are_told(client_of: dict[str, Client], busy: Application) -> None:
    for _ in range(2):
        client_of["reviewer"].post(reverse("dataset_new"))
        job = Job.objects.latest("pk")
        tasks.build(job.pk)
    page = client_of["reviewer"].get(reverse("dataset_build", args=[job.pk])).content.decode()
    assert "Nothing new was built: dataset 1 holds exactly these examples." in page
    assert Dataset.objects.count() == 1


def test_the_same_build_is_not_begun_twice(client_of: dict[str, Client], busy: Application) -> None:
    client_of["reviewer"].post(reverse("dataset_new"), {"limit": "40"})
    again = client_of["reviewer"].post(reverse("dataset_new"), {"limit": "40"}, follow=True).content.decode()
    assert "under way already" in again and Job.objects.count() == 1
    assert reverse("dataset_build", args=[Job.objects.get().pk]) in again, "the list leads to the one under way"


def test_a_build_that_failed_says_why_and_keeps_its_choices(client_of: dict[str, Client], busy: Application) -> None:
    job = Job.objects.create(
        application=busy,
        kind=JobKind.BUILD,
        trigger=Trigger.PAGE,
        state=JobState.FAILED,
        parameters=BuildChoices(limit=7).as_json(),
        message="The approved clusters hold fewer than 20 distinct usable queries; approve more.",
    )
    page = client_of["viewer"].get(reverse("dataset_build", args=[job.pk]), headers=HTMX).content.decode()
    assert "fewer than 20 distinct usable queries" in page and "every 1s" not in page
    assert f"{reverse('datasets')}?limit=7" in page


def test_a_waiting_build_is_cancelled(client_of: dict[str, Client], busy: Application) -> None:
    client_of["reviewer"].post(reverse("dataset_new"))
    job = Job.objects.get()
    address = reverse("dataset_build_cancel", args=[job.pk])
    assert client_of["viewer"].post(address).status_code == 403
    page = client_of["reviewer"].post(address, follow=True).content.decode()
    job.refresh_from_db()
    assert job.state == JobState.CANCELLED and "Cancelled before it began." in page


def test_other_jobs_and_other_applications_have_no_such_page(client_of: dict[str, Client], busy: Application) -> None:
    job = Job.objects.create(application=busy, kind=JobKind.CLUSTER, trigger=Trigger.PAGE)
    assert client_of["viewer"].get(reverse("dataset_build", args=[job.pk])).status_code == 404
