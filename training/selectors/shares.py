"""A share of disagreement, as all pages that show one count it."""

from __future__ import annotations

from dataclasses import dataclass

from training.students.certification import upper_bound

LEAST_JUDGED = 30
"""Answers held against the teacher below which a share says nothing."""


@dataclass(frozen=True, slots=True)
class Disagreement:
    """Of `judged` answers, held against their reference calls, `disagreed` differ."""

    judged: int
    disagreed: int

    @property
    def share(self) -> float | None:
        return self.disagreed / self.judged if self.judged else None

    @property
    def bound(self) -> float | None:
        """Upper, with 95% confidence (Clopper-Pearson)."""
        return upper_bound(self.disagreed, self.judged) if self.judged else None

    @property
    def too_few(self) -> bool:
        return self.judged < LEAST_JUDGED

    @property
    def missing(self) -> int:
        """How many more answers have to be judged before the share says something."""
        return max(LEAST_JUDGED - self.judged, 0)
