"""`manage.py ship_spool`: carry the gateway's records from the spool to PostgreSQL."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.core.management.base import CommandParser
from django.db import Error, connection

from curation.management.console import OdiaCommand
from training.services.shipping import ship, ship_rejected

EVERY_SECONDS = 1.0
LONGEST_WAIT_SECONDS = 15.0

logger = logging.getLogger(__name__)


class Command(OdiaCommand):
    help = "Carry the gateway's records from the spool to PostgreSQL, every second until it is stopped."

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("--once", action="store_true", help="ship what lies ready now, and end")
        parser.add_argument(
            "--rejected", action="store_true", help="try the lines again that could not be shipped, and end"
        )

    def run(self, **options: Any) -> dict[str, Any]:
        if options["rejected"]:
            return ship_rejected(settings.SPOOL_DIR)._asdict()
        if options["once"]:
            return {"shipped": ship(settings.SPOOL_DIR)}
        wait = EVERY_SECONDS
        while True:
            wait = next_wait(wait, lambda: ship(settings.SPOOL_DIR))
            time.sleep(wait)


def next_wait(wait: float, work: Callable[[], int]) -> float:
    """Ship once; returns the seconds until the next time, twice as long after each failure of the database."""
    try:
        work()
    except Error as error:
        connection.close()
        wait = min(2 * wait, LONGEST_WAIT_SECONDS)
        sentence = str(error).splitlines()[0]
        logger.warning("PostgreSQL does not take the records (%s); the next attempt is in %.0f s.", sentence, wait)
        return wait
    return EVERY_SECONDS
