"""`manage.py prepare`: what a migrated database needs before people can sign in."""

from __future__ import annotations

from typing import Any

from curation.management.console import OdiaCommand
from curation.services.people import administrator_ensure, groups_ensure


class Command(OdiaCommand):
    help = "Make the groups, and a first administrator if there is no user yet."

    def run(self, **options: Any) -> dict[str, Any]:
        groups_ensure()
        user, password = administrator_ensure()
        return {"user": user.get_username(), "password": password}
