"""Addresses of the pages about what is learned and how it is put to use."""

from __future__ import annotations

from django.urls import path

from training.views import challengers, datasets, evaluations, overview, playground, runs, settings, students

urlpatterns = [
    path("", overview.overview, name="home"),
    path("datasets/", datasets.dataset_list, name="datasets"),
    path("datasets/build/", datasets.dataset_new, name="dataset_new"),
    path("datasets/<int:pk>/", datasets.dataset_detail, name="dataset"),
    path("datasets/<int:pk>/approve/", datasets.dataset_accept, name="dataset_approve"),
    path("datasets/<int:pk>/export/<slug:form>/", datasets.dataset_export, name="dataset_export"),
    path("runs/", runs.run_list, name="runs"),
    path("runs/start/", runs.run_start, name="run_start"),
    path("runs/<int:pk>/", runs.run_detail, name="run"),
    path("runs/<int:pk>/cancel/", runs.run_stop, name="run_cancel"),
    path("evaluations/", evaluations.evaluation_list, name="evaluations"),
    path("evaluations/<int:pk>/", evaluations.evaluation_detail, name="evaluation"),
    path("students/", students.student_list, name="students"),
    path("students/roll-back/", students.champion_roll_back, name="roll_back"),
    path("students/<int:pk>/", students.student_detail, name="student"),
    path("students/<int:pk>/evaluate/", evaluations.evaluation_new, name="evaluation_new"),
    path("students/<int:pk>/promote/", students.student_promote, name="student_promote"),
    path("students/<int:pk>/challenge/", challengers.challenger_new, name="challenger_new"),
    path("challenger/canary/", challengers.canary, name="canary"),
    path("challenger/withdraw/", challengers.challenger_end, name="challenger_withdraw"),
    path("switch-offs/<int:pk>/turn-on/", challengers.turn_on, name="turn_on"),
    path("playground/", playground.playground, name="playground"),
    path("settings/", settings.application_settings, name="settings"),
    path("settings/teacher/", settings.teacher_settings, name="settings_teacher"),
    path("settings/teacher/test/", settings.teacher_test, name="settings_teacher_test"),
    path("settings/policy/", settings.policy_settings, name="settings_policy"),
    path("settings/keys/", settings.key_settings, name="settings_keys"),
    path("settings/keys/<int:pk>/limit/", settings.key_change, name="key_limit"),
    path("settings/keys/<int:pk>/revoke/", settings.key_stop, name="key_revoke"),
]
