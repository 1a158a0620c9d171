"""An application with the autopilot on, and students at each place of its trial."""

from __future__ import annotations

import pytest

from curation.models import Application
from tests.training.autopilot.piloting import TEXTS, allow, done, evaluated, setting
from tests.training.learned import make_dataset
from training.models import Student
from training.services.promotions import promote


@pytest.fixture
def piloted(application: Application) -> Application:
    setting(application, enabled=True, quiet_minutes=0, cluster_after=10, trial_answers=3)
    allow(application, 0.3)
    return application


@pytest.fixture
def champion(piloted: Application) -> Student:
    student = evaluated(make_dataset(piloted, TEXTS))
    promote(student=student)
    return student


@pytest.fixture
def candidate(champion: Student) -> Student:
    """A newer student; the champion is evaluated on its dataset too."""
    return evaluated(champion.dataset)


@pytest.fixture
def challenger(piloted: Application, candidate: Student) -> Student:
    assert done(piloted) == ["canary"]
    return candidate
