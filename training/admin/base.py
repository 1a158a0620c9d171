"""What the pages of the console about what was learned share."""

from __future__ import annotations

from curation.admin import HistoryAdmin


class LearnedAdmin(HistoryAdmin):
    """What came out of the loop: viewers may look, approvers may use the actions."""

    actions_permission = "curation.approve"
