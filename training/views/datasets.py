"""Datasets: list, one dataset, approve, take the approval back, export."""

from __future__ import annotations

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.views.decorators.http import require_GET, require_POST

from curation.models import Application
from curation.views.access import requires, with_application
from curation.views.answers import answer, errors_as_messages, is_fragment
from training.forms.building import BuildForm
from training.forms.examples import ExampleFilter
from training.models import Dataset
from training.models.build_choices import BuildChoices
from training.models.datasets import DatasetStatus, Split
from training.selectors import datasets as selectors
from training.selectors import exports
from training.selectors.build_estimate import build_estimate
from training.selectors.dataset_examples import examples_page
from training.services.datasets import dataset_approval_undo, dataset_approve, needs_another_approver
from training.views.addresses import number, without

EXPORTS = {"openai": exports.openai_lines, "plain": exports.plain_lines}


@require_GET
@requires("read")
@with_application
def dataset_list(request: HttpRequest, application: Application) -> HttpResponse:
    """The versions, and what a new one would be with the choices in the address; for htmx the latter alone."""
    source = selectors.source_of(application)
    form = BuildForm(source.clusters if source else [], request.GET)
    context: dict[str, object] = {"form": form, "source": source}
    if source and source.clusters:
        context["estimate"] = build_estimate(source.clustering, source.clusters, form.choices)
        context["chosen"] = selectors.choices_in_words(form.choices)
    if not is_fragment(request):
        page = selectors.datasets_page(application, number(request, "before"))
        context |= {
            "page": page,
            "rows": [(dataset, selectors.funnel_steps(dataset.funnel)) for dataset in page.rows],
            "paged": number(request, "before"),
            "builds": selectors.builds_under_way(application),
        }
    return answer(request, "training/datasets.html", "estimate", context)


@require_GET
@requires("read")
@with_application
def dataset_detail(request: HttpRequest, application: Application, pk: int) -> HttpResponse:
    """The page of a dataset, or for htmx its list of examples alone."""
    dataset = _dataset(application, pk)
    balance = selectors.balance_rows(dataset.balance)
    form = ExampleFilter([row.label for row in balance if not row.route], request.GET)
    after = number(request, "after")
    page = examples_page(dataset, after=after, **form.wanted())
    context = {"dataset": dataset, "filter": form, "page": page, "paged": after, "rest": without(request, "after")}
    if is_fragment(request):
        return answer(request, "training/dataset.html", "examples", context)
    choices = BuildChoices.from_json(dataset.choices)
    approved = dataset.status == DatasetStatus.APPROVED
    context |= {
        "balance": balance,
        "steps": selectors.funnel_steps(dataset.funnel),
        "clusters": selectors.clusters_of(dataset),
        "choices": selectors.choices_in_words(choices),
        "again": selectors.choices_address(choices),
        "decisions": selectors.decisions_on(dataset),
        "before": selectors.version_before(dataset),
        "others": [version for version in selectors.versions_of(application) if version != dataset],
        "students": dataset.students.prefetch_related("aliases"),
        "runs": dataset.runs.count(),
        "splits": Split.choices,
        "approved": approved,
        "waits_for_another": not approved and needs_another_approver(dataset=dataset, user=request.user),  # type: ignore[arg-type]
    }
    return answer(request, "training/dataset.html", "examples", context)


@require_POST
@requires("approve")
@with_application
def dataset_accept(request: HttpRequest, application: Application, pk: int) -> HttpResponse:
    dataset = _dataset(application, pk)
    with errors_as_messages(request):
        dataset_approve(dataset=dataset, user=request.user)  # type: ignore[arg-type]
        messages.success(request, f"Dataset {dataset.version} is approved. Students can be trained on it.")
    return redirect("dataset", dataset.pk)


@require_POST
@requires("approve")
@with_application
def dataset_unaccept(request: HttpRequest, application: Application, pk: int) -> HttpResponse:
    dataset = _dataset(application, pk)
    with errors_as_messages(request):
        dataset_approval_undo(dataset=dataset, user=request.user)  # type: ignore[arg-type]
        messages.success(request, f"Dataset {dataset.version} is a draft again.")
    return redirect("dataset", dataset.pk)


@require_GET
@requires("read")
@with_application
def dataset_export(request: HttpRequest, application: Application, pk: int, form: str) -> HttpResponseBase:
    """The dataset (or with `?split=` one of its splits) as JSON lines, streamed."""
    dataset = _dataset(application, pk)
    split = request.GET.get("split", "")
    if form not in EXPORTS or split not in ["", *Split.values]:
        raise Http404("There is no such export.")
    name = "-".join(filter(None, [application.slug, "dataset", str(dataset.version), split, form]))
    return StreamingHttpResponse(
        EXPORTS[form](dataset, split),
        content_type="application/jsonl; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="{name}.jsonl"'},
    )


def _dataset(application: Application, pk: int) -> Dataset:
    datasets = Dataset.objects.select_related("application", "tool_set", "built_by", "approved_by")
    return get_object_or_404(datasets, application=application, pk=pk)
