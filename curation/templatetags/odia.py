"""Tags and filters of all pages: numbers as people read them, calls, badges, bars, charts, navigation."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django import template
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString

from curation.ml.calls import Call, same_call
from curation.models import Application
from curation.selectors.jobs import jobs_under_way as count_under_way
from curation.views.access import applications_of, selected_application

register = template.Library()


# Numbers and times


@register.filter
def ms(value: float | None) -> str:
    """Milliseconds with a unit and about three digits: `0.42 ms`, `12 ms`, `1.38 s`, `4.2 min`, `3.1 h`."""
    if value is None:
        return "–"
    for limit, divisor, unit in ((1000, 1, "ms"), (120_000, 1000, "s"), (7_200_000, 60_000, "min")):
        if value < limit:
            return f"{_three_digits(value / divisor)} {unit}"
    return f"{_three_digits(value / 3_600_000)} h"


@register.filter
def percent(share: float | None, digits: int = 1) -> str:
    """A share of 0 to 1 as a percentage; never rounded to 0% or 100% when it is neither."""
    if share is None:
        return "–"
    step = 10.0**-digits
    shown = round(share * 100, digits)
    if share > 0 and shown == 0:
        return f"<{step:g}%"
    if share < 1 and shown == 100:
        return f">{100 - step:g}%"
    return f"{shown:.{digits}f}%"


@register.filter
def whole(value: int | None) -> str:
    """A whole number with a thin space between thousands."""
    return "–" if value is None else f"{value:,}".replace(",", "\u202f")


@register.filter
def lasting(span: timedelta | None) -> str:
    return "–" if span is None else ms(span.total_seconds() * 1000)


@register.filter
def as_json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


@register.filter
def pretty_json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, indent=2)


@register.simple_tag
def when(moment: datetime | None) -> SafeString | str:
    """A time as `14:03`, `12 Mar 14:03` or `12 Mar 2025`, with the exact one behind it."""
    if moment is None:
        return "–"
    # %Z alone is a mere offset in some zones.
    zone = timezone.get_current_timezone_name()
    now, local = timezone.localtime(), timezone.localtime(moment)
    form = "%H:%M" if local.date() == now.date() else "%-d %b %H:%M" if local.year == now.year else "%-d %b %Y"
    return format_html(
        '<time class="nowrap" datetime="{}" title="{}">{}</time>',
        local.isoformat(),
        f"{local:%Y-%m-%d %H:%M:%S} ({zone})",
        f"{local:{form}}",
    )


def _three_digits(value: float) -> str:
    return f"{value:.2f}" if value < 10 else f"{value:.1f}" if value < 100 else f"{value:.0f}"


# Components

_TONES = {
    "good": ("approved", "done", "champion", "passed", "agrees", "memo", "student"),
    "bad": ("rejected", "failed", "differs"),
    "live": ("running", "challenger"),
    "warn": ("proposed", "draft", "fallback", "excluded"),
}
_TONE_OF = {value: tone for tone, values in _TONES.items() for value in values}
_GLYPHS = {"good": "✓", "bad": "✕", "live": "◐", "warn": "○", "plain": "·"}


@register.inclusion_tag("components/badge.html")
def badge(value: str, label: str = "", tone: str = "") -> dict[str, str]:
    """A status as a glyph and a word. `value` decides the tone (good, bad, live, warn, plain) unless `tone` does."""
    tone = tone or _TONE_OF.get(value, "plain")
    return {"tone": tone, "glyph": _GLYPHS[tone], "label": label or value}


@register.inclusion_tag("components/bar.html")
def bar(share: float, tone: str = "", of: float = 1.0) -> dict[str, str]:
    """A bar that is filled to `share` of `of`; say the number beside it."""
    return {"width": f"{100 * min(max(share / of, 0), 1):.1f}" if of else "0", "tone": tone}


@register.inclusion_tag("components/call.html")
def show_call(call: Call | None, against: Call | str | None = "", absent: str = "no call") -> dict[str, Any]:
    """A call as `name(key="value")`; with `against`, what differs from that call is marked."""
    if call is None:
        return {"name": "", "absent": absent, "name_differs": isinstance(against, Call)}
    if against == "":
        return {"name": call.name, "arguments": [_argument(call, name) for name in call.arguments]}
    other = against if isinstance(against, Call) and against.name == call.name else None
    return {
        "name": call.name,
        "name_differs": other is None,
        "arguments": [_argument(call, name, other) for name in call.arguments],
    }


def _argument(call: Call, name: str, other: Call | None = None) -> dict[str, Any]:
    value = call.arguments[name]
    one = Call(call.name, {name: value})
    differs = other is not None and not (
        name in other.arguments and same_call(one, Call(call.name, {name: other.arguments[name]}))
    )
    return {"name": name, "value": as_json(value), "differs": differs}


@register.inclusion_tag("components/chart.html")
def chart(name: str, figure: dict[str, Any], label: str, size: str = "", kept: bool = False) -> dict[str, Any]:
    """A Plotly figure (`data`, `layout`); colours may be design tokens such as `--accent`.

    One that is `kept` stays in the page when htmx brings it anew, and only takes up its new data.
    """
    figure_id = f"{name}-figure"
    return {"id": name, "figure_id": figure_id, "figure": figure, "label": label, "size": size, "kept": kept}


# The frame of every page


@dataclass(frozen=True, slots=True)
class NavigationItem:
    label: str
    href: str
    key: str
    current: bool
    apart: bool = False


_PAGES = (
    ("Overview", "home", "o"),
    ("Traffic", "traffic", "t"),
    ("Clusters", "clusters", "c"),
    ("Datasets", "datasets", "d"),
    ("Runs", "runs", "r"),
    ("Evaluations", "evaluations", "e"),
    ("Students", "students", "s"),
    ("Drift", "drift", "f"),
    ("Jobs", "jobs", "j"),
    ("Audit trail", "trail", "h"),
    ("Playground", "playground", "p"),
)


@register.simple_tag(takes_context=True)
def navigation(context: template.Context) -> list[NavigationItem]:
    """The pages, with the current one marked; the admin console for administrators."""
    request: HttpRequest = context["request"]
    items = [
        NavigationItem(label, href := reverse(name), key, _is_current(request.path, href))
        for label, name, key in _PAGES
    ]
    if request.user.has_perm("curation.administer"):
        href = reverse("settings")
        items.append(NavigationItem("Settings", href, ",", _is_current(request.path, href), apart=True))
    if request.user.is_staff:
        items.append(NavigationItem("Admin", reverse("admin:index"), "a", current=False))
    return items


def _is_current(path: str, href: str) -> bool:
    return path == href if href == "/" else path.startswith(href)


@register.simple_tag
def viewers_zone() -> str:
    """The time zone in which times are shown."""
    return timezone.get_current_timezone_name()


@register.simple_tag(takes_context=True)
def jobs_under_way(context: template.Context) -> int:
    """How many jobs of the selected application wait or run."""
    request: HttpRequest = context["request"]
    application = selected_application(request) if request.user.has_perm("curation.read") else None
    return count_under_way(application) if application else 0


@register.simple_tag(takes_context=True)
def applications(context: template.Context) -> list[Application]:
    return applications_of(context["request"])


@register.simple_tag(takes_context=True)
def current_application(context: template.Context) -> Application | None:
    return selected_application(context["request"])
