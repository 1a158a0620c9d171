"""The plan: what the autopilot would do now, step by step, and why. The tick and the dry run both read it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

from curation.models import Application
from training.selectors.autopilot import Facts, Proposal, autopilot_of
from training.services import autopilot_evaluations as evaluations
from training.services import autopilot_labelling as labelling
from training.services import autopilot_learning as learning
from training.services import autopilot_trials as trials
from training.services.policies import policy_of

STEPS: tuple[Callable[[Facts], Iterator[Proposal]], ...] = (
    labelling.label,
    learning.cluster,
    learning.approve_clusters,
    learning.build,
    learning.approve_dataset,
    learning.distil,
    evaluations.evaluate,
    trials.canary,
    trials.widen,
    trials.promote,
)


def plan(application: Application) -> list[Proposal]:
    """Every step in its order as it stands now. It changes nothing; the tick takes the steps that are due."""
    facts = Facts(application, autopilot_of(application), policy_of(application))
    return [_as_it_stands(facts, one) for step in STEPS for one in step(facts)]


def _as_it_stands(facts: Facts, one: Proposal) -> Proposal:
    """A step that is left to people is a question instead; one that could not be done says so, and is tried again."""
    if one.due and one.step in facts.autopilot.left_to_people:
        return replace(one, due=False, asks=True, sentence=f"{one.sentence} This step is left to people.")
    return replace(one, in_vain=facts.in_vain(one)) if one.due else one
