"""Taking a decision back."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.views.decorators.http import require_POST

from curation.models import Application, Review
from curation.services.undo import review_undo
from curation.views.access import requires, with_application
from curation.views.answers import errors_as_messages


@require_POST
@requires("review")
@with_application
def undo(request: HttpRequest, application: Application, pk: int) -> HttpResponse:
    review = get_object_or_404(Review, application=application, pk=pk)
    with errors_as_messages(request):
        review_undo(review=review, user=request.user)  # type: ignore[arg-type]
        messages.success(request, f"Taken back: {review.get_decision_display().lower()}.")
    return redirect("query", review.query_id) if review.query_id else redirect("cluster", review.cluster_id)
