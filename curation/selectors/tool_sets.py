"""Which tool set an application offers now."""

from __future__ import annotations

from collections import Counter

from curation.models import Application, Query, ToolSetVersion

RECENT_QUERIES = 1000


def current_tool_set(application: Application) -> ToolSetVersion | None:
    """The commonest tool set of the newest queries: a stray request with other tools changes nothing.

    None where no query came with tools. Costs one look at the newest queries, however long the history.
    """
    newest = Query.objects.filter(application=application).order_by("-id")
    counts = Counter(newest.values_list("tool_set_id", flat=True)[:RECENT_QUERIES])
    del counts[None]
    return ToolSetVersion.objects.get(pk=counts.most_common(1)[0][0]) if counts else None
