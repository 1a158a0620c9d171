"""Datasets: list, build, one dataset, approve, export."""

from __future__ import annotations

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_GET, require_POST

from curation.models import Application
from curation.views.access import requires, with_application
from curation.views.answers import answer, errors_as_messages, is_fragment
from training.forms.filters import ExampleFilter
from training.models import Dataset
from training.models.datasets import DatasetStatus, Split
from training.selectors import datasets as selectors
from training.selectors import exports
from training.services.datasets import dataset_approve, dataset_build
from training.views.addresses import number, without

EXPORTS = {"openai": exports.openai_lines, "plain": exports.plain_lines}


@require_GET
@requires("read")
@with_application
def dataset_list(request: HttpRequest, application: Application) -> HttpResponse:
    rows = [(dataset, selectors.funnel_steps(dataset.funnel)) for dataset in selectors.datasets_of(application)]
    context = {"rows": rows, "source": selectors.source_of(application)}
    return render(request, "training/datasets.html", context)


@require_POST
@requires("review")
@with_application
def dataset_new(request: HttpRequest, application: Application) -> HttpResponse:
    with errors_as_messages(request):
        dataset = dataset_build(application=application, user=request.user)  # type: ignore[arg-type]
        messages.success(request, f"Dataset {dataset.version} is built. Look at its examples, then approve it.")
        return redirect("dataset", dataset.pk)
    return redirect("datasets")


@require_GET
@requires("read")
@with_application
def dataset_detail(request: HttpRequest, application: Application, pk: int) -> HttpResponse:
    """The page of a dataset, or for htmx its list of examples alone."""
    dataset = _dataset(application, pk)
    balance = selectors.balance_rows(dataset.balance)
    form = ExampleFilter([row.label for row in balance if not row.route], request.GET)
    after = number(request, "after")
    page = selectors.examples_page(dataset, after=after, **form.wanted())
    context = {"dataset": dataset, "filter": form, "page": page, "paged": after, "rest": without(request, "after")}
    if is_fragment(request):
        return answer(request, "training/dataset.html", "examples", context)
    context |= {
        "balance": balance,
        "steps": selectors.funnel_steps(dataset.funnel),
        "clusters": selectors.clusters_of(dataset),
        "others": selectors.datasets_of(application).exclude(pk=dataset.pk),
        "difference": _difference(request, application, dataset),
        "students": dataset.students.prefetch_related("aliases"),
        "splits": Split.choices,
        "approved": dataset.status == DatasetStatus.APPROVED,
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
    datasets = Dataset.objects.select_related("tool_set", "built_by", "approved_by")
    return get_object_or_404(datasets, application=application, pk=pk)


def _difference(request: HttpRequest, application: Application, dataset: Dataset) -> selectors.Difference | None:
    other = Dataset.objects.filter(application=application, pk=number(request, "compare")).first()
    return selectors.difference(dataset, other) if other else None
