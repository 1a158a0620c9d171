"""The autopilot's tick: the steps of the plan that are due are taken, and what needs a person is asked once."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import replace

from django.db import connection, transaction

from curation.errors import OdiaError
from curation.models import Application, Job
from curation.models.jobs import JobKind, Trigger
from curation.models.labelling import LabelChoices
from curation.services.policy_reviews import clusters_approve
from curation.tasks import start_clustering, start_job, start_labelling
from training import tasks
from training.models import Autopilot, AutopilotAction
from training.models.autopilot import AutopilotStep as Step
from training.selectors.autopilot import IN_VAIN, Proposal, autopilot_of
from training.services.autopilot import action_record
from training.services.autopilot_plan import plan
from training.services.challengers import canary_set, challenger_set, challenger_withdraw
from training.services.datasets import dataset_approve
from training.services.promotions import promote
from training.starting import start_run_as_before

logger = logging.getLogger(__name__)


@transaction.atomic
def autopilot_tick(*, application: Application) -> list[AutopilotAction]:
    """Take the steps that are due, each at most once, and write down what was done and what is newly asked.

    Does nothing where the autopilot is off, or another process is at it for the same application.
    """
    if not autopilot_of(application).enabled or not _alone(application):
        return []
    done: list[AutopilotAction] = []
    taken: set[Step] = set()
    while due := next((one for one in plan(application) if one.due and one.step not in taken), None):
        taken.add(due.step)
        done += _taken(application, due)
    return done + [
        action_record(application=application, proposal=one) for one in plan(application) if _is_new(application, one)
    ]


def tick_all() -> None:
    """A tick of every application whose autopilot is on."""
    for autopilot in Autopilot.objects.filter(enabled=True).select_related("application"):
        try:
            autopilot_tick(application=autopilot.application)
        except Exception:  # what is wrong with one application stops no other
            logger.exception("The autopilot of %s broke off", autopilot.application.slug)


def _alone(application: Application) -> bool:
    """Until the end of the transaction, no other process takes this application's steps."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(hashtext('autopilot'), %s)", [application.pk])
        return bool(cursor.fetchone()[0])


def _taken(application: Application, proposal: Proposal) -> list[AutopilotAction]:
    """What was done; where it cannot be, that is said once."""
    try:
        with transaction.atomic():
            job = DOING[proposal.step](application, proposal)
    except OdiaError as error:
        return _in_vain(application, proposal, str(error))
    except Exception:
        logger.exception("The autopilot of %s broke off at %s", application.slug, proposal.step)
        return _in_vain(application, proposal, "an unexpected error, of which the log of the worker says more.")
    return [action_record(application=application, proposal=proposal, job=job)]


def _in_vain(application: Application, proposal: Proposal, why: str) -> list[AutopilotAction]:
    if proposal.in_vain:
        return []
    failed = replace(proposal, asks=True, sentence=f"{proposal.sentence} {IN_VAIN} {why}")
    return [action_record(application=application, proposal=failed)]


def _is_new(application: Application, proposal: Proposal) -> bool:
    """Whether it is a question that was not asked before."""
    asked = AutopilotAction.objects.filter(application=application, asks=True, step=proposal.step)
    return proposal.asks and not asked.filter(subject=proposal.subject).exists()


def _label(application: Application, proposal: Proposal) -> Job | None:
    wanted: LabelChoices = proposal.on
    return start_labelling(application=application, choices=wanted, trigger=Trigger.AUTOPILOT)


def _cluster(application: Application, proposal: Proposal) -> Job:
    return start_clustering(application=application, trigger=Trigger.AUTOPILOT)


def _approve_clusters(application: Application, proposal: Proposal) -> None:
    clusters_approve(clusters=proposal.on)


def _build(application: Application, proposal: Proposal) -> Job:
    return tasks.start_build(application=application, trigger=Trigger.AUTOPILOT)


def _approve_dataset(application: Application, proposal: Proposal) -> None:
    dataset_approve(dataset=proposal.on)


def _distil(application: Application, proposal: Proposal) -> Job:
    return start_run_as_before(dataset=proposal.on, trigger=Trigger.AUTOPILOT).job


def _evaluate(application: Application, proposal: Proposal) -> Job:
    return start_job(
        task=tasks.evaluate,
        application=application,
        kind=JobKind.EVALUATE,
        trigger=Trigger.AUTOPILOT,
        parameters=proposal.on,
    )


def _canary(application: Application, proposal: Proposal) -> None:
    challenger_set(student=proposal.on)
    canary_set(application=application, share=autopilot_of(application).first_canary, shadow=False)


def _widen(application: Application, proposal: Proposal) -> None:
    """To the next share, or, where none is named, the trial ends."""
    if proposal.on is None:
        challenger_withdraw(application=application)
    else:
        canary_set(application=application, share=proposal.on, shadow=False)


def _promote(application: Application, proposal: Proposal) -> None:
    promote(student=proposal.on)


DOING: dict[str, Callable[[Application, Proposal], Job | None]] = {
    Step.LABEL: _label,
    Step.CLUSTER: _cluster,
    Step.APPROVE_CLUSTERS: _approve_clusters,
    Step.BUILD: _build,
    Step.APPROVE_DATASET: _approve_dataset,
    Step.DISTIL: _distil,
    Step.EVALUATE: _evaluate,
    Step.CANARY: _canary,
    Step.WIDEN: _widen,
    Step.PROMOTE: _promote,
}
"""How each step is taken; gives back the job that it started, if any."""
