"""Taking decisions back."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_POST

from curation.models import Application, Review
from curation.selectors.reviews import in_batch
from curation.services.undo import batch_undo, review_undo
from curation.views.access import requires, with_application
from curation.views.answers import errors_as_messages


@require_POST
@requires("review")
@with_application
def undo(request: HttpRequest, application: Application, pk: int) -> HttpResponse:
    """Take one decision back."""
    review = get_object_or_404(Review, application=application, pk=pk)
    with errors_as_messages(request):
        review_undo(review=review, user=request.user)  # type: ignore[arg-type]
        messages.success(request, f"Taken back: {review.get_decision_display().lower()}.")
    if review.query_id:
        return redirect(f"{reverse('query', args=[review.query_id])}?{request.GET.urlencode()}")
    address = reverse("cluster", args=[review.cluster_id]) if review.cluster_id else reverse("clusters")
    return redirect(address + (f"?{request.GET.urlencode()}" if request.GET else ""))


@require_POST
@requires("review")
@with_application
def undo_batch(request: HttpRequest, application: Application, batch: UUID) -> HttpResponse:
    """Take back what one action decided."""
    with errors_as_messages(request):
        undone = batch_undo(application=application, batch=batch, user=request.user)  # type: ignore[arg-type]
        messages.success(request, _undone(undone, in_batch(application, batch) - undone))
    return redirect(_came_from(request) or reverse("traffic"))


def _undone(undone: int, left: int) -> str:
    done = f"Taken back: {undone:,} {'decision' if undone == 1 else 'decisions'}."
    if not left:
        return done
    return f"{done} {left:,} had been taken back before, or decided on again since, and stayed as they are."


def _came_from(request: HttpRequest) -> str:
    """The page with the button, if it is one of ours."""
    page = request.headers.get("Referer", "")
    safe = url_has_allowed_host_and_scheme(page, {request.get_host()}, require_https=request.is_secure())
    return page if safe else ""
