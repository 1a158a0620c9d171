"""Lines of the spool without personal data: addresses and numbers in them are made up."""

from __future__ import annotations

import msgspec

from curation.services.masking import mask_of
from training.services.records import RequestRecord, ShadowRecord


def masked(record: RequestRecord) -> RequestRecord:
    """The same with made-up addresses and numbers, in the text and in every call alike."""
    answer = record.answer
    text, context, call, request, reason, answered = mask_of(record.application_id).values(
        [record.text, record.context, record.call, record.request, record.reason, answer.call if answer else None]
    )
    return msgspec.structs.replace(
        record,
        text=text,
        context=context,
        call=call,
        request=request,
        reason=reason,
        answer=msgspec.structs.replace(answer, call=answered) if answer else None,
        masked=True,
    )


def masked_shadow(record: ShadowRecord, text: str = "") -> ShadowRecord:
    """The same with made-up addresses and numbers; the text of its query, if it is known, shows more of them."""
    _, call = mask_of(record.application_id).values([text, record.call])
    return msgspec.structs.replace(record, call=call, masked=True)
