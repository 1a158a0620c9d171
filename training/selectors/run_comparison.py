"""Several runs side by side: their settings and their figures."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from curation.models import Application
from training.models import DistillationRun
from training.selectors.runs import duration, runs_of, settings_said

MOST_RUNS = 6
LEAST_DIFFERENCE = 0.01


@dataclass(frozen=True, slots=True)
class Setting:
    """One setting in each of the runs."""

    name: str
    values: list[str]

    @property
    def differs(self) -> bool:
        return len(set(self.values)) > 1


@dataclass(frozen=True, slots=True)
class Figure:
    """One measured quantity of each of the runs (None: not measured). `kind` says how it is written."""

    name: str
    kind: str
    values: list[float | None]
    smaller_is_better: bool

    @property
    def cells(self) -> list[tuple[float | None, bool]]:
        """Each value, and whether it is the best of several that differ by more than a hair."""
        known = [value for value in self.values if value is not None]
        differ = len(known) > 1 and max(known) - min(known) > LEAST_DIFFERENCE * max(known)
        best = (min if self.smaller_is_better else max)(known) if differ else None
        return [(value, value is not None and value == best) for value in self.values]


def compared_runs(application: Application, keys: Sequence[int]) -> list[DistillationRun]:
    """The runs with these keys, at most `MOST_RUNS`, in their order, with their curves."""
    rows = runs_of(application).defer(None).defer("log").filter(pk__in=keys)
    return list(rows.order_by("pk")[:MOST_RUNS])


def compared_settings(runs: Sequence[DistillationRun]) -> list[Setting]:
    """Every setting of any of the runs; those that differ first."""
    columns = [settings_said(run) for run in runs]
    names = dict.fromkeys(name for column in columns for name in column)
    settings = [Setting(name, [column.get(name, "–") for column in columns]) for name in names]
    return sorted(settings, key=lambda setting: not setting.differs)


def compared_figures(runs: Sequence[DistillationRun]) -> list[Figure]:
    """What came out of each run, and what it took."""
    return [
        Figure(name, kind, [read(run) for run in runs], smaller_is_better)
        for name, kind, smaller_is_better, read in FIGURES
    ]


def _evaluated(name: str) -> Callable[[DistillationRun], float | None]:
    return lambda run: (run.figures or {}).get(name)  # type: ignore[attr-defined]


def _median(run: DistillationRun) -> float | None:
    found: dict[str, Any] = (run.figures or {}).get("latency_ms") or {}  # type: ignore[attr-defined]
    return found.get("p50")


def _reported(name: str) -> Callable[[DistillationRun], float | None]:
    return lambda run: run.student.report.get(name) if hasattr(run, "student") else None


def _milliseconds(run: DistillationRun) -> float | None:
    spent: timedelta | None = duration(run.job)
    return spent.total_seconds() * 1000 if spent else None


def _train_milliseconds(run: DistillationRun) -> float | None:
    seconds = _reported("train_seconds")(run)
    return None if seconds is None else seconds * 1000


def _bound(run: DistillationRun) -> float | None:
    return run.student.certified_bound if hasattr(run, "student") else None


FIGURES: list[tuple[str, str, bool, Callable[[DistillationRun], float | None]]] = [
    ("Coverage", "percent", False, _evaluated("coverage")),
    ("Disagreement inline", "percent", True, _evaluated("disagreement_inline")),
    ("Certified bound", "percent", True, _bound),
    ("Exact match", "percent", False, _evaluated("exact_match")),
    ("Median latency", "ms", True, _median),
    ("Training and calibration", "ms", True, _train_milliseconds),
    ("Whole run", "ms", True, _milliseconds),
    ("Peak memory", "megabytes", True, _reported("peak_memory_mb")),
    ("Size", "megabytes", True, _reported("artifact_mb")),
    ("Queries known by heart", "count", False, _reported("memo_size")),
]
