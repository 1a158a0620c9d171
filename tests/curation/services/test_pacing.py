from __future__ import annotations

import pytest

from curation.models import Application, Teacher
from curation.services.pacing import moment_take, teacher_rest

pytestmark = pytest.mark.django_db


@pytest.fixture
def teacher() -> Teacher:
    application = Application.objects.create(slug="paced", name="Paced")
    return Teacher.objects.create(
        application=application, base_url="http://127.0.0.1:9/v1", model="m", requests_per_minute=1, input_price=2
    )


def test_each_request_takes_the_next_moment_without_a_burst(teacher: Teacher) -> None:
    waits = [moment_take(teacher=teacher) for _ in range(4)]
    assert waits == pytest.approx([0, 60, 120, 180], abs=30)


def test_without_a_limit_nothing_waits_until_the_teacher_asks_for_rest(teacher: Teacher) -> None:
    Teacher.objects.update(requests_per_minute=None)
    assert [moment_take(teacher=teacher) for _ in range(3)] == pytest.approx([0, 0, 0], abs=1)
    teacher_rest(teacher=teacher, seconds=600)
    assert moment_take(teacher=teacher) == pytest.approx(600, abs=60)
    teacher_rest(teacher=teacher, seconds=1)
    assert moment_take(teacher=teacher) == pytest.approx(600, abs=60)
