"""Checks of options that several commands have."""

from __future__ import annotations

from curation.errors import OdiaError

LARGEST_SEED = 2**32 - 1


def check_seed(seed: int) -> None:
    """Raises OdiaError where the random number generators would not take it."""
    if not 0 <= seed <= LARGEST_SEED:
        raise OdiaError(f"--seed must be 0 to {LARGEST_SEED}, not {seed}.")
