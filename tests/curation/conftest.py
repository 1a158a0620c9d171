"""Fixtures of the tests about traffic."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from curation.models import Application
from curation.services.applications import teacher_set
from tests.moody_teacher import MoodyTeacher
from tests.training.gateway.servers import running


@pytest.fixture
def moody(application: Application) -> Iterator[MoodyTeacher]:
    """The application's teacher, over HTTP; in a good mood until it is told otherwise."""
    teacher = MoodyTeacher()
    with running(teacher, lifespan="off") as url:
        teacher_set(application=application, base_url=f"{url}/v1", model="large")
        yield teacher
