from __future__ import annotations

import pytest

from curation.models import Application
from tests.training.learned import make_dataset, make_evaluation, make_student
from training.models import Dataset, Evaluation, Student
from training.models.datasets import DatasetStatus


@pytest.fixture
def dataset(application: Application) -> Dataset:
    return make_dataset(application, [f"play artist {number}" for number in range(40)] + ["hello"])


@pytest.fixture
def draft(application: Application) -> Dataset:
    return make_dataset(application, ["play Can", "play Blur"], DatasetStatus.DRAFT)


@pytest.fixture
def student(dataset: Dataset) -> Student:
    return make_student(dataset)


@pytest.fixture
def evaluation(student: Student) -> Evaluation:
    return make_evaluation(student)
