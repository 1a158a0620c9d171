"""Who may ask, and for which model."""

from __future__ import annotations

import hashlib
from collections.abc import Callable

from starlette.types import Scope

from training.gateway.envelope import ApiError
from training.selectors.snapshot import ApplicationEntry, KeyEntry, Snapshot

ALIAS = "odia"
"""The model's name that holds for every application, whatever its teacher is called."""


class Access:
    """Knows keys and models from the latest snapshot."""

    def __init__(self, snapshot: Callable[[], Snapshot | None]) -> None:
        self._snapshot = snapshot

    def authenticate(self, scope: Scope) -> tuple[KeyEntry, ApplicationEntry]:
        """Whose request this is. A wrong key costs the same work as a right one.

        Raises:
            ApiError: no key, a wrong or revoked one (401), or no key is known here yet (503).
        """
        header = next((value for name, value in scope["headers"] if name == b"authorization"), b"")
        scheme, _, text = header.partition(b" ")
        sha256 = hashlib.sha256(text.strip()).hexdigest()
        snapshot = self._snapshot()
        if snapshot is None:
            raise ApiError(503, "The gateway has not reached its database yet.", code="not_ready", kind="server_error")
        key = snapshot.keys.get(sha256)
        if not text or scheme.lower() != b"bearer":
            raise _unauthorised("No API key was given; send it as `Authorization: Bearer KEY`.")
        if key is None:
            raise _unauthorised("The API key is wrong or was revoked.")
        return key, snapshot.applications[key.application_id]

    @staticmethod
    def check_model(model: str, application: ApplicationEntry) -> None:
        """Raises ApiError (404) where the request names neither the alias nor the teacher's model."""
        known = models_of(application)
        if model not in known:
            names = " or ".join(f"`{name}`" for name in known)
            raise ApiError(
                404, f"There is no model `{model[:200]}` here; use {names}.", code="model_not_found", param="model"
            )


def models_of(application: ApplicationEntry) -> list[str]:
    teacher = application.teacher
    return [ALIAS, teacher.model] if teacher and teacher.model != ALIAS else [ALIAS]


def _unauthorised(message: str) -> ApiError:
    return ApiError(401, message, code="invalid_api_key")
