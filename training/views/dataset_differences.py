"""Two versions of a dataset side by side."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils.http import urlencode
from django.views.decorators.http import require_GET

from curation.models import Application
from curation.views.access import requires, with_application
from curation.views.answers import answer
from training.models import Dataset
from training.selectors import dataset_differences as selectors
from training.selectors.dataset_differences import Kind, PairsPage
from training.selectors.datasets import versions_of
from training.views.addresses import number, without


@require_GET
@requires("read")
@with_application
def dataset_compare(request: HttpRequest, application: Application) -> HttpResponse:
    """The texts that version `b` has otherwise than version `a`, of one `kind` at a time."""
    ticked = request.GET.getlist("version")
    if ticked:
        return _compare_ticked(request, ticked)
    if not (number(request, "a") and number(request, "b")):
        messages.error(request, "Choose two versions to compare them.")
        return redirect("datasets")
    older, newer = (get_object_or_404(Dataset, application=application, pk=number(request, side)) for side in "ab")
    counts = selectors.counts(older, newer)
    kind = _kind(request, counts)
    after = number(request, "after")
    context = {
        "older": older,
        "newer": newer,
        "sides": [("a", "Before", older), ("b", "After", newer)],
        "kinds": [(value, label, counts[value]) for value, label in Kind.choices],
        "kind": kind,
        "unchanged": counts["unchanged"],
        "page": selectors.pairs(older, newer, kind, after) if counts[kind] else PairsPage([], None, set()),
        "changes": [change for change in selectors.balance_changes(older, newer) if change.change],
        "versions": versions_of(application, older, newer),
        "rest": without(request, "after"),
        "others": without(request, "after", "kind"),
        "paged": after,
    }
    return answer(request, "training/dataset_compare.html", "pairs", context)


def _compare_ticked(request: HttpRequest, ticked: list[str]) -> HttpResponse:
    """The list's ticks as an address with the older version first."""
    keys = sorted({int(key) for key in ticked if key.isdecimal()})
    if len(keys) != 2:
        messages.error(request, "Tick two versions to compare them.")
        return redirect("datasets")
    return redirect(f"{reverse('dataset_compare')}?{urlencode({'a': keys[0], 'b': keys[1]})}")


def _kind(request: HttpRequest, counts: dict[str, int]) -> str:
    """The kind that was asked for, else the first of which there are any."""
    asked = request.GET.get("kind", "")
    return asked if asked in Kind.values else next((kind for kind in Kind.values if counts[kind]), Kind.ADDED.value)
