from __future__ import annotations

import pytest

from curation.models import Application
from curation.models.jobs import JobState
from tests.training.learned import make_dataset, make_evaluation, make_run, make_student
from training.selectors.run_comparison import Figure, compared_figures, compared_runs, compared_settings
from training.selectors.runs import LINES_SHOWN, RUNS_PER_PAGE, changes, log_end, runs_page


def test_runs_are_continued_without_a_gap_and_narrowed_to_a_dataset(application: Application) -> None:
    one, other = (make_dataset(application, ["hello"]) for _ in range(2))
    runs = [make_run(one) for _ in range(RUNS_PER_PAGE + 1)]
    make_run(other)
    first = runs_page(application, dataset=one.pk)
    assert first.before is not None
    rest = runs_page(application, dataset=one.pk, before=first.before)
    assert [run.pk for run in [*first.rows, *rest.rows]] == [run.pk for run in reversed(runs)]
    assert rest.before is None


def test_settings_that_differ_stand_first(application: Application) -> None:
    one, other = (make_run(make_dataset(application, ["hello"])) for _ in range(2))
    other.config = {**other.config, "epochs": None}
    other.save()
    settings = compared_settings(compared_runs(application, [one.pk, other.pk]))
    assert [(row.name, row.values) for row in settings if row.differs] == [
        ("dataset", ["1", "2"]),
        ("epochs", ["5", "automatic"]),
    ]
    assert [row.differs for row in settings] == sorted((row.differs for row in settings), reverse=True)


def test_figures_are_those_of_the_students(application: Application) -> None:
    student = make_student(make_dataset(application, ["hello"]))
    make_evaluation(student)
    failed = make_run(student.dataset, JobState.FAILED)
    figures = {
        row.name: row.values for row in compared_figures(compared_runs(application, [student.run_id, failed.pk]))
    }
    assert figures["Coverage"] == [0.8, None]
    assert figures["Training and calibration"] == [9000.0, None]
    assert figures["Size"] == [14.0, None]


@pytest.mark.parametrize(
    ("values", "smaller_is_better", "best"),
    [
        ([0.4, 0.8, None], False, [False, True, False]),
        ([0.4, 0.8, None], True, [True, False, False]),
        ([19.20, 19.21], True, [False, False]),
        ([0.4, None], True, [False, False]),
        ([None, None], True, [False, False]),
    ],
)
def test_the_best_is_marked_where_there_is_one(
    values: list[float | None], smaller_is_better: bool, best: list[bool]
) -> None:
    assert [mark for _, mark in Figure("Size", "megabytes", values, smaller_is_better).cells] == best


def test_only_what_differs_is_a_change() -> None:
    [change] = changes({"layers": "3", "seed": "0"}, {"layers": "2", "seed": "0"})
    assert (change.name, change.before, change.after) == ("layers", "3", "2")


def test_the_end_of_a_long_log_is_shown(application: Application) -> None:
    run = make_run(make_dataset(application, ["hello"]))
    run.log = "\n".join(f"line {number}" for number in range(LINES_SHOWN + 5))
    shown, before = log_end(run)
    assert (shown.splitlines()[0], before) == ("line 5", 5)
