"""The plan: what the autopilot would do now, step by step, and why. The tick and the dry run both read it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

from curation.models import Application
from training.selectors.autopilot import Facts, Proposal, autopilot_of
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
    trials.evaluate,
    trials.canary,
    trials.widen,
    trials.promote,
)


def plan(application: Application) -> list[Proposal]:
    """Every step in its order as it stands now. It changes nothing; the tick takes the steps that are due."""
    facts = Facts(application, autopilot_of(application), policy_of(application))
    left = set(facts.autopilot.left_to_people)
    return [_left_to_people(one) if one.step in left else one for step in STEPS for one in step(facts)]


def _left_to_people(one: Proposal) -> Proposal:
    """A step that is left to people is a question instead."""
    if not one.due:
        return one
    return replace(one, due=False, asks=True, sentence=f"{one.sentence} This step is left to people.")
