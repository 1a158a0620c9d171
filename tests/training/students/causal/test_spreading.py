"""What must hold of a causal training that several processes share."""

from __future__ import annotations

import math
from dataclasses import replace

from curation.ml.tools import parse_tools
from tests.training.students.conftest import TOOLS, make_examples
from training.students.base import Progress
from training.students.causal.config import CausalConfig
from training.students.spreading import learn

EPOCHS = 3


def test_two_processes_share_the_batches_and_the_loss_falls(tiny_causal: CausalConfig) -> None:
    examples, reports = make_examples(300, seed=1), list[Progress]()
    config = replace(tiny_causal, epochs=EPOCHS)
    learned = learn(examples, parse_tools(TOOLS), config, reports.append, None, "fingerprint", 2)
    points = [report.metrics for report in reports if report.metrics]
    batches = math.ceil(len(examples) / config.batch_size)
    assert learned.device == "cpu"
    assert (points[0]["step"], points[-1]["step"]) == (1, EPOCHS * math.ceil(batches / 2))
    assert points[-1]["loss"] < points[0]["loss"]
