"""What a person may choose at the building of a dataset."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

MOST_EXAMPLES = 60_000
CALIBRATION_SHARE = 0.15
TEST_SHARE = 0.10
"""Of the texts of a dataset."""


@dataclass(frozen=True, slots=True)
class BuildChoices:
    """Which queries become examples.

    Of the distinct queries since `since` the newest `limit` are taken. Queries of `without_clusters` (ids) and calls
    of `without_functions` count as not approved: the student learns to leave them to the teacher. At most
    `most_of_function` training examples call the same function; calibration and test keep the shares of the traffic,
    so that what is measured on them holds of the traffic.
    """

    limit: int = MOST_EXAMPLES
    most_of_function: int | None = None
    since: datetime | None = None
    without_clusters: tuple[int, ...] = ()
    without_functions: tuple[str, ...] = ()

    def as_json(self) -> dict[str, Any]:
        """What differs from the defaults."""
        differing = {name: value for name, value in asdict(self).items() if value != getattr(EVERYTHING, name)}
        if self.since:
            differing["since"] = self.since.isoformat()
        return {name: list(value) if isinstance(value, tuple) else value for name, value in differing.items()}

    @classmethod
    def from_json(cls, kept: dict[str, Any]) -> BuildChoices:
        read: dict[str, Any] = {
            name: tuple(value) if isinstance(value, list) else value for name, value in kept.items()
        }
        if "since" in read:
            read["since"] = datetime.fromisoformat(read["since"])
        return cls(**read)


EVERYTHING = BuildChoices()
