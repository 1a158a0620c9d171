"""Which tool set an application offers now, and what of the others still holds."""

from __future__ import annotations

from collections import Counter

from curation.ml.tools import hash_functions
from curation.models import Application, Query, ToolSetVersion

RECENT_QUERIES = 1000
OFFERED_SHARE = 0.1
"""Of the newest queries, with which a tool set counts as offered beside the commonest."""


def current_tool_set(application: Application) -> ToolSetVersion | None:
    """The commonest tool set of the newest queries: a stray request with other tools changes nothing.

    None where no query came with tools. Costs one look at the newest queries, however long the history.
    """
    counts = recent_tool_sets(application)
    return ToolSetVersion.objects.get(pk=counts.most_common(1)[0][0]) if counts else None


def offered_tool_sets(application: Application) -> set[int]:
    """The keys of the tool sets that come now: some applications offer several, by turns or to different users."""
    counts = recent_tool_sets(application)
    commonest = {key for key, _ in counts.most_common(1)}
    return commonest | {key for key, count in counts.items() if count >= OFFERED_SHARE * counts.total()}


def recent_tool_sets(application: Application) -> Counter[int]:
    """How many of the newest queries came with each tool set, by its key."""
    newest = Query.objects.filter(application=application).order_by("-id")
    keys = newest.values_list("tool_set_id", flat=True)[:RECENT_QUERIES]
    return Counter(key for key in keys if key is not None)


def holding_functions(application: Application, tool_set: ToolSetVersion) -> dict[int, set[str]]:
    """By the key of each other tool set, the functions whose answers stand for answers under this one.

    Those are the functions that are offered unchanged; and "", no call, where no function is new: what none was called
    for, none is called for now.
    """
    now = hash_functions(tool_set.tools)
    holding: dict[int, set[str]] = {}
    for other in ToolSetVersion.objects.filter(application=application).exclude(pk=tool_set.pk):
        before = hash_functions(other.tools)
        holding[other.pk] = {name for name, sha256 in before.items() if now.get(name) == sha256}
        if set(now) <= set(before):
            holding[other.pk].add("")
    return holding
