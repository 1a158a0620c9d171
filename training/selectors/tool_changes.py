"""What has changed in the tools that an application offers since its champion was trained."""

from __future__ import annotations

from dataclasses import dataclass

from curation.ml.tools import hash_functions
from curation.models import Application
from curation.selectors.tool_sets import current_tool_set
from training.models import Student


@dataclass(frozen=True, slots=True)
class ToolChanges:
    """Names of functions. The new and the changed ones are left to the teacher; the removed ones are never called."""

    new: list[str]
    changed: list[str]
    removed: list[str]

    @property
    def left_to_teacher(self) -> list[str]:
        return self.new + self.changed


def tool_changes(application: Application, champion: Student | None) -> ToolChanges | None:
    """Function by function; None where nothing has changed, or there is nothing to compare."""
    current = current_tool_set(application) if champion else None
    if champion is None or current is None or current.pk == champion.tool_set_id:
        return None
    now, learned = hash_functions(current.tools), hash_functions(champion.tool_set.tools)
    changes = ToolChanges(
        new=sorted(now.keys() - learned.keys()),
        changed=sorted(name for name in now.keys() & learned.keys() if now[name] != learned[name]),
        removed=sorted(learned.keys() - now.keys()),
    )
    return changes if changes.left_to_teacher or changes.removed else None
