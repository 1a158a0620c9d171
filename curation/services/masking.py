"""Personal data masked with a key of each application's own, which follows from the site's secret key."""

from __future__ import annotations

import hmac
from dataclasses import replace
from functools import lru_cache

from django.conf import settings

from curation.ml.masking import Mask
from curation.services.captured import Capture


def mask_of(application_id: int) -> Mask:
    """The mask of an application: it never changes as long as the secret key does not."""
    return _mask(settings.SECRET_KEY, application_id)


@lru_cache(maxsize=1024)
def _mask(secret: str, application_id: int) -> Mask:
    return Mask(hmac.digest(secret.encode(), f"odia masking {application_id}".encode(), "sha256"))


def masked_import(capture: Capture) -> Capture:
    """The same with made-up addresses and numbers, in the text and in the teacher's call alike."""
    answer = capture.answer
    text, context, call = mask_of(capture.application_id).values(
        [capture.text, capture.context, answer.call if answer else None]
    )
    return replace(capture, text=text, context=context, answer=replace(answer, call=call) if answer else None)
