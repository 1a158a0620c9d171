"""`GET /v1/models`: the alias and the teacher's model."""

from __future__ import annotations

from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse

from training.gateway.access import ALIAS, Access, models_of


class Models:
    """The list and each of its entries, as OpenAI shows them."""

    def __init__(self, access: Access) -> None:
        self._access = access

    async def all(self, request: Request) -> JSONResponse:
        _, application = self._access.authenticate(request.scope)
        return JSONResponse({"object": "list", "data": [_model(name) for name in models_of(application)]})

    async def one(self, request: Request) -> JSONResponse:
        _, application = self._access.authenticate(request.scope)
        name = request.path_params["name"]
        self._access.check_model(name, application)
        return JSONResponse(_model(name))


def _model(name: str) -> dict[str, Any]:
    return {"id": name, "object": "model", "created": 0, "owned_by": "odia" if name == ALIAS else "teacher"}
