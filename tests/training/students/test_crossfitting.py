"""Students asked about the examples that they did not learn."""

from __future__ import annotations

import numpy as np

from curation.ml.calls import Call
from curation.ml.tools import parse_tools
from tests.training.students.conftest import TOOLS, make_examples, quiet
from training.students.base import Example
from training.students.crossfitting import assign_folds, cross_fit
from training.students.encoder.config import EncoderConfig


def test_all_examples_of_a_query_fall_into_one_fold() -> None:
    examples = make_examples(200, seed=3)
    again = [Example(f"again-{one.id}", f"  {one.query.upper()} ", one.call, one.route) for one in examples]
    folds = assign_folds([*examples, *again], folds=3, seed=0)
    assert (folds[:200] == folds[200:]).all()
    assert set(folds.tolist()) == {0, 1, 2}


def test_an_example_that_was_learned_wrong_does_not_vouch_for_itself(tiny_config: EncoderConfig) -> None:
    wrong = Example("wrong", "play songs by zorgon", Call("set_volume", {"level": 3}), "simple")
    examples = [*make_examples(300, seed=1), wrong]
    answers = cross_fit(examples, parse_tools(TOOLS), tiny_config, quiet, None, "fingerprint")
    assert len(answers) == len(examples)
    assert answers[-1].call != wrong.call
    right = [answer.call == one.call for answer, one in zip(answers, examples, strict=True) if one.route == "simple"]
    assert np.mean(right) > 0.8


def test_where_the_others_are_too_few_to_learn_from_nothing_is_answered(tiny_config: EncoderConfig) -> None:
    examples = [one for one in make_examples(60, seed=1) if one.route == "simple"][:24]
    answers = cross_fit(examples, parse_tools(TOOLS), tiny_config, quiet, None, "fingerprint")
    assert {answer.call for answer in answers} == {None}
