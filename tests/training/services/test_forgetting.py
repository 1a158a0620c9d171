"""Everything of one user goes, wherever it stands, and does not come back."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import pytest
from django.core.management import call_command
from pytest_django import Settings

from curation.errors import OdiaError
from curation.identifiers import new_id
from curation.ml.calls import Call
from curation.models import (
    Application,
    Cluster,
    ForgottenUser,
    Job,
    Pattern,
    Query,
    Review,
    RouterDecision,
    ShadowAnswer,
    TeacherCall,
    TrafficHour,
)
from curation.models.traffic import Source
from curation.services.applications import application_ensure
from curation.services.capture import capture, capture_shadows
from curation.services.captured import Capture, Shadow, TeacherAnswer
from curation.services.forgetting import forgetting_begin
from curation.services.query_reviews import query_exclude
from tests.curation.traffic import make_cluster, make_clustering, student_decision, tool_set
from tests.training.learned import make_dataset, make_evaluation, make_student
from training.models import AutopilotAction, DatasetExample, EvaluationExample
from training.models.autopilot import AutopilotStep, cluster_subject
from training.selectors.trail import Wanted, trail_page
from training.services import forgetting
from training.services.forgetting import forget_now, user_forget
from training.services.records import RequestRecord
from training.services.rejections import RejectedLine, write_rejected

CALL = Call("play", {"artist": "Can"})
USER = "anna@example.com"


@pytest.fixture(autouse=True)
def spool(settings: Settings, tmp_path: Path) -> Path:
    settings.SPOOL_DIR = tmp_path
    return tmp_path


def row_of(application: Application, user: str, text: str = "play Can", at: datetime | None = None) -> Capture:
    at = at or datetime.now(UTC) - timedelta(hours=1)
    return Capture(
        id=new_id(at),
        application_id=application.pk,
        tool_set_id=tool_set(application).pk,
        text=text,
        arrived_at=at,
        source=Source.GATEWAY,
        client_id=user,
        answer=TeacherAnswer(call=CALL, latency_ms=1400.0),
        decision=replace(student_decision(CALL), audit=True, request={"messages": [text]}),
    )


def shadow_of(row: Capture) -> Shadow:
    return Shadow(
        query_id=row.id,
        application_id=row.application_id,
        student="music-encoder-2",
        call=CALL,
        confidence=0.9,
        threshold=0.8,
        answered_at=row.arrived_at,
        client_id=row.client_id,
    )


def said(application: Application, user: str, text: str = "play Can") -> Query:
    row = row_of(application, user, text)
    capture([row])
    capture_shadows([shadow_of(row)])
    return Query.objects.get(pk=row.id)


def silent(phase: str, fraction: float, message: str = "") -> None:
    assert 0 <= fraction <= 1


def test_traffic_of_the_user_goes_and_that_of_others_stays(application: Application) -> None:
    hers = [said(application, USER) for _ in range(3)]
    other = said(application, "ben")
    elsewhere = said(application_ensure(slug="weather"), USER)
    sums = list(TrafficHour.objects.values_list("requests", flat=True))
    job = forget_now(application=application, client_id=USER)
    assert job.state == "done", job.message
    assert job.result["queries"] == len(hers)
    left = {other.pk, elsewhere.pk}
    for model, column in ((Query, "pk"), (TeacherCall, "query"), (RouterDecision, "pk"), (ShadowAnswer, "pk")):
        assert set(model.objects.values_list(column, flat=True)) == left
    assert list(TrafficHour.objects.values_list("requests", flat=True)) == sums


def test_examples_go_and_the_dataset_says_that_it_was_altered(application: Application) -> None:
    query = said(application, USER)
    dataset = make_dataset(application, ["play Can", "play Blur"])
    evaluation = make_evaluation(make_student(dataset))
    DatasetExample.objects.filter(text="play Can").update(query_id=query.pk)
    judged = evaluation.examples.all()[0]
    EvaluationExample.objects.filter(pk=judged.pk).update(query_id=query.pk)
    number = evaluation.examples.count()
    forget_now(application=application, client_id=USER)
    dataset.refresh_from_db()
    assert [example.text for example in dataset.examples.all()] == ["play Blur"]
    assert [(item["what"], item["examples"]) for item in dataset.history] == [("examples deleted", 1)]
    judged.refresh_from_db()
    assert (judged.text, judged.arguments, judged.student_arguments) == ("(deleted)", {}, {})
    assert evaluation.examples.count() == number


def test_that_somebody_decided_stays_without_the_call(application: Application) -> None:
    query = said(application, USER)
    query_exclude(query=query, user=None)
    assert "Can" in str(Review.objects.get().before)
    forget_now(application=application, client_id=USER)
    review = Review.objects.get()
    assert (review.decision, review.query_id) == ("exclude", query.pk)
    assert "Can" not in str((review.before, review.after))


def test_patterns_of_nobody_else_go_with_their_words(application: Application) -> None:
    hers, shared, other = (said(application, user) for user in (USER, USER, "ben"))
    clustering = make_clustering(application)
    alone = make_cluster(clustering, "call anna on her phone", [hers])
    both = make_cluster(clustering, "play {artist}", [shared, other], contradictions=[[str(shared.pk), str(other.pk)]])
    forget_now(application=application, client_id=USER)
    assert list(Pattern.objects.values_list("template", flat=True)) == ["play {artist}"]
    alone.refresh_from_db()
    both.refresh_from_db()
    assert "anna" not in alone.name
    assert (both.name, both.samples["typical"], both.contradictions) == ("play {artist}", [str(other.pk)], [])


def test_what_the_autopilot_has_said_of_a_cluster_is_without_the_words_too(application: Application) -> None:
    secret = f"call anna on her phone {'again ' * 50}"
    cluster = make_cluster(make_clustering(application), secret, [said(application, USER)], function="call")
    other = make_cluster(make_clustering(application), "play {artist}", [said(application, "ben")])
    Cluster.objects.filter(pk=other.pk).update(note=f"3.0% of its traffic was in “{secret}”, which was rejected.")
    step = AutopilotStep.APPROVE_CLUSTERS
    subjects = [cluster_subject(one.function, one.name) for one in (cluster, other)]
    for subject in ("clustering 1", *subjects):
        sentence = f"2 clusters reach the thresholds: “{secret}”, “{other.name}”."
        AutopilotAction.objects.create(application=application, step=step, subject=subject, sentence=sentence)
    forget_now(application=application, client_id=USER)
    cluster.refresh_from_db()
    other.refresh_from_db()
    told = [(one.subject, one.sentence) for one in AutopilotAction.objects.order_by("pk")]
    assert {sentence for _, sentence in told} == {
        f"2 clusters reach the thresholds: “{cluster.name}”, “play {{artist}}”."
    }
    assert [subject for subject, _ in told] == ["clustering 1", cluster_subject("call", cluster.name), subjects[1]]
    trail = str(trail_page(application, Wanted()).events)
    assert "anna" not in str((told, cluster.name, other.note, trail))


def test_what_was_on_its_way_does_not_come_in_and_what_is_said_later_does(application: Application) -> None:
    late = row_of(application, USER)
    capture_shadows([shadow_of(late)])
    forget_now(application=application, client_id=USER)
    later = row_of(application, USER, at=datetime.now(UTC))
    assert capture([late, row_of(application, "ben"), later]) == 2
    assert capture_shadows([shadow_of(late), shadow_of(later)]) == 1
    assert set(ShadowAnswer.objects.values_list("pk", flat=True)) == {later.id}
    assert not Query.objects.filter(pk=late.id).exists()


def test_her_lines_that_could_not_be_shipped_go_too(application: Application, spool: Path) -> None:
    path = spool / "1-1-1.rejected"
    write_rejected(path, [line_of(application, USER), line_of(application, "ben")])
    job = forget_now(application=application, client_id=USER)
    assert job.result["spool_lines"] == 1
    assert USER not in path.read_text()
    assert "ben" in path.read_text()


def line_of(application: Application, user: str) -> RejectedLine:
    record = RequestRecord(
        id=new_id(),
        application_id=application.pk,
        key_id=1,
        arrived_at=datetime.now(UTC),
        route="teacher",
        reason="",
        total_ms=1.0,
        status=200,
        text="play Can",
        client_id=user,
    )
    return RejectedLine("no reason", msgspec.json.encode(record).decode() + "\n")


def test_the_id_itself_is_gone_afterwards(application: Application) -> None:
    said(application, USER)
    job = forget_now(application=application, client_id=USER)
    noted = ForgottenUser.objects.get()
    assert noted.client_id == ""
    assert USER not in str((job.parameters, job.result, job.message, noted.mark, noted.deleted))
    assert noted.done_at is not None


def test_a_deletion_that_broke_off_goes_on(application: Application, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(forgetting, "BATCH", 2)
    for _ in range(5):
        said(application, USER)
    noted = forgetting_begin(application=application, client_id=USER, user=None)

    def stop_at_the_second(phase: str, fraction: float, message: str = "") -> None:
        if fraction > 0:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        user_forget(forgotten=noted, report=stop_at_the_second)
    assert Query.objects.count() == 3
    again = ForgottenUser.objects.get()
    assert user_forget(forgotten=again, report=silent)["queries"] == 5
    assert user_forget(forgotten=again, report=silent)["queries"] == 5
    assert Query.objects.count() == 0


@pytest.mark.parametrize("client_id", ["", "  ", "x" * 201])
def test_what_is_no_user_id_is_refused(application: Application, client_id: str) -> None:
    with pytest.raises(OdiaError):
        forget_now(application=application, client_id=client_id)
    assert not Job.objects.exists()


def test_the_command_tells_what_is_gone(application: Application, capsys: pytest.CaptureFixture[str]) -> None:
    said(application, USER)
    call_command("forget", application="music", user=USER, json=True)
    assert '"queries": 1' in capsys.readouterr().out
