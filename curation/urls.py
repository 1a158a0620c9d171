"""Addresses of the pages about traffic, clusters, jobs and settings of an application."""

from __future__ import annotations

from django.urls import path

from curation.views import applications, cluster, clusters, jobs, query, reviews, traffic

urlpatterns = [
    path("application/", applications.select, name="select_application"),
    path("traffic/", traffic.traffic, name="traffic"),
    path("traffic/<uuid:pk>/", query.query_page, name="query"),
    path("traffic/<uuid:pk>/correct/", query.correct, name="query_correct"),
    path("traffic/<uuid:pk>/exclude/", query.exclude, name="query_exclude"),
    path("traffic/<uuid:pk>/include/", query.include, name="query_include"),
    path("reviews/<int:pk>/undo/", reviews.undo, name="review_undo"),
    path("clusters/", clusters.clusters, name="clusters"),
    path("clusters/map/", clusters.cluster_map, name="cluster_map"),
    path("clusters/<int:pk>/", cluster.cluster_page, name="cluster"),
    path("clusters/<int:pk>/decide/", cluster.decide, name="cluster_decide"),
    path("jobs/", jobs.jobs, name="jobs"),
    path("jobs/<int:pk>/cancel/", jobs.cancel, name="job_cancel"),
    path("jobs/start/", jobs.start, name="job_start"),
]
