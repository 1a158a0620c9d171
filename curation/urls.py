"""Addresses of the pages about traffic, clusters, jobs and settings of an application."""

from __future__ import annotations

from django.urls import path

from curation.views import (
    applications,
    bulk,
    cluster,
    clusters,
    labelling,
    people,
    query,
    regrouping,
    retention,
    reviews,
    traffic,
)

urlpatterns = [
    path("application/", applications.select, name="select_application"),
    path("traffic/", traffic.traffic, name="traffic"),
    path("traffic/decide/", bulk.decide, name="traffic_decide"),
    path("traffic/correct/", bulk.correct, name="traffic_correct"),
    path("traffic/<uuid:pk>/", query.query_page, name="query"),
    path("traffic/<uuid:pk>/correct/", query.correct, name="query_correct"),
    path("traffic/<uuid:pk>/exclude/", query.exclude, name="query_exclude"),
    path("traffic/<uuid:pk>/include/", query.include, name="query_include"),
    path("reviews/<int:pk>/undo/", reviews.undo, name="review_undo"),
    path("reviews/batches/<uuid:batch>/undo/", reviews.undo_batch, name="batch_undo"),
    path("clusters/", clusters.clusters, name="clusters"),
    path("clusters/map/", clusters.cluster_map, name="cluster_map"),
    path("clusters/decide/", clusters.decide_selected, name="clusters_decide"),
    path("clusters/<int:pk>/", cluster.cluster_page, name="cluster"),
    path("clusters/<int:pk>/decide/", cluster.decide, name="cluster_decide"),
    path("clusters/<int:pk>/settle/", cluster.settle, name="cluster_settle"),
    path("clusters/<int:pk>/split/", regrouping.split, name="cluster_split"),
    path("clusters/<int:pk>/merge/", regrouping.merge, name="cluster_merge"),
    path("labelling/", labelling.labelling, name="labelling"),
    path("labelling/start/", labelling.labelling_start, name="labelling_start"),
    path("settings/applications/", applications.applications, name="applications"),
    path("settings/retention/", retention.retention, name="retention"),
    path("settings/retention/purge/", retention.purge, name="purge"),
    path("settings/users/", people.people, name="people"),
    path("settings/users/new/", people.person_new, name="person_new"),
    path("settings/users/<int:pk>/", people.person, name="person"),
    path("settings/users/<int:pk>/switch/", people.person_switch, name="person_switch"),
    path("settings/users/<int:pk>/password/", people.person_password, name="person_password"),
]
