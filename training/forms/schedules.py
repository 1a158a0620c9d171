"""The form of scheduled work."""

from __future__ import annotations

from datetime import time
from typing import Any

from django import forms
from django_celery_beat.models import PeriodicTask

from training.models.schedules import Rhythm, Weekday, Work


class RhythmForm(forms.Form):
    """How often; what another rhythm would need is not looked at."""

    rhythm = forms.ChoiceField(label="How often", choices=Rhythm)
    at = forms.TimeField(
        label="At",
        required=False,
        initial=time(3, 0),
        widget=forms.TimeInput({"type": "time"}, format="%H:%M"),
        help_text="Your time. For every day and every week.",
    )
    weekday = forms.ChoiceField(label="On", choices=Weekday, required=False, help_text="For every week.")
    hours = forms.IntegerField(
        required=False, min_value=1, max_value=168, initial=6, help_text="For every so many hours."
    )

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        rhythm = cleaned.get("rhythm")
        if rhythm == Rhythm.HOURS:
            self._require("hours", "Say after how many hours it starts again, from 1 to 168.")
        elif rhythm:
            self._require("at", "Say at what time of day it starts, such as 03:30.")
        return cleaned

    def choices(self) -> dict[str, Any]:
        """What the services take, but for the time zone."""
        given = self.cleaned_data
        return {
            "rhythm": Rhythm(given["rhythm"]),
            "at": given.get("at") or time(0, 0),
            "weekday": Weekday(given.get("weekday") or Weekday.MONDAY),
            "hours": given.get("hours") or 1,
        }

    def _require(self, name: str, sentence: str) -> None:
        if self.cleaned_data.get(name) is None and name not in self.errors:
            self.add_error(name, sentence)

    @staticmethod
    def initial_of(task: PeriodicTask) -> dict[str, Any]:
        if task.interval:
            return {"rhythm": Rhythm.HOURS, "hours": task.interval.every}
        weekly = task.crontab.day_of_week != "*"
        return {
            "rhythm": Rhythm.WEEKLY if weekly else Rhythm.DAILY,
            "at": time(int(task.crontab.hour), int(task.crontab.minute)),
            "weekday": task.crontab.day_of_week if weekly else Weekday.MONDAY,
        }


class ScheduleForm(RhythmForm):
    """New work for the schedule."""

    work = forms.ChoiceField(label="What", choices=Work)
    field_order = ["work", "rhythm", "at", "weekday", "hours"]
