"""Labelling with a teacher that fails, and with workers that are killed. Run by hand:

    python -m tests.bench.labelling [--queries 5000] [--kills 3]

The teacher, over HTTP, answers 10% of the requests with errors, lets 5% hang until they time out, 1% get 429 with
`retry-after`, 3% garbage. A real worker on the queue `io`, of a database and a broker of their own, does the job; it is
killed by -9 so many times on the way, and started again. The teacher counts what it is asked.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from typing import Any

from tests.bench.own_database import prepare
from tests.moody_teacher import MoodyTeacher
from tests.training.gateway.servers import running

CONCURRENCY, A_MINUTE, TIMEOUT_SECONDS = 16, 4800, 1.5
WORKER = "-m celery -A odia_site worker --pool threads --concurrency 4 --queues io --loglevel WARNING"
PATIENCE_SECONDS = 900


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--queries", type=int, default=5000)
    parser.add_argument("--kills", type=int, default=3)
    options = parser.parse_args()
    prepare()
    moody = MoodyTeacher(errors=0.1, hangs=0.05, too_many=0.01, garbage=0.03, retry_after=2, seconds=0.05, seed=1)
    with running(moody, lifespan="off") as url:
        figures = _labelled(options, moody, f"{url}/v1")
    print(json.dumps(figures, indent=1))
    return 0 if figures["as_promised"] else 1


def _labelled(options: argparse.Namespace, moody: MoodyTeacher, base_url: str) -> dict[str, Any]:
    from curation.models import Application, Job, Query, Teacher, TeacherCall
    from curation.models.jobs import Trigger
    from curation.selectors.spending import spent_this_month
    from curation.services.applications import application_ensure, teacher_set
    from curation.tasks import start_newest

    application: Application = application_ensure(slug="labelled")
    fill(application, options.queries)
    teacher = teacher_set(application=application, base_url=base_url, model="large")
    budget = 2 * 97 * options.queries
    limits = {"concurrency": CONCURRENCY, "requests_per_minute": A_MINUTE, "monthly_tokens": budget}
    Teacher.objects.filter(pk=teacher.pk).update(timeout_seconds=TIMEOUT_SECONDS, **limits)
    began = time.monotonic()
    worker = _worker()
    job = start_newest(application=application, trigger=Trigger.SCHEDULE, limit=options.queries)
    answered = Query.objects.filter(application=application, labelled=True)
    for kill in range(options.kills):
        _wait(lambda: answered.count() > (kill + 1) * options.queries / (options.kills + 1), worker)  # noqa: B023
        worker.send_signal(signal.SIGKILL)
        worker.wait()
        print(f"killed after {answered.count()} answers", file=sys.stderr)
        worker = _worker()
    _wait(lambda: Job.objects.get(pk=job.pk).ended, worker)
    seconds = time.monotonic() - began
    worker.terminate()
    worker.wait()
    job.refresh_from_db()
    kept = Counter(TeacherCall.objects.filter(application=application).values_list("query", flat=True))
    spent = spent_this_month(teacher)
    teacher.refresh_from_db()
    found = {
        "job": {"state": job.state, "attempts": job.attempts, "result": job.result, "message": job.message},
        "queries": options.queries,
        "answered": answered.count(),
        "answers_kept": sum(kept.values()),
        "kept_twice": sum(count > 1 for count in kept.values()),
        "answered_twice_by_the_teacher": sum(count - 1 for count in moody.answered.values()),
        "requests": len(moody.moments),
        "moods": dict(moody.moods),
        "most_at_a_time": [moody.most_under_way, CONCURRENCY],
        "most_in_a_minute": [moody.most_within(60), A_MINUTE],
        "most_in_a_second": [moody.most_within(1), A_MINUTE // 60],
        "while_it_asked_for_rest": moody.too_early,
        "tokens_of_the_teacher": [moody.tokens, budget],
        "tokens_counted": spent.tokens,
        "seconds": round(seconds),
    }
    return found | {"as_promised": _as_promised(found)}


def _as_promised(found: dict[str, Any]) -> bool:
    limits = ("most_at_a_time", "most_in_a_minute", "tokens_of_the_teacher")
    within = all(found[name][0] <= found[name][1] for name in limits)
    once = found["answered"] == found["answers_kept"] == found["queries"] and not found["kept_twice"]
    return bool(once and within and not found["while_it_asked_for_rest"] and found["job"]["state"] == "done")


def fill(application: Any, queries: int) -> None:
    from django.utils import timezone

    from curation.identifiers import new_id
    from curation.models.traffic import Source
    from curation.services.applications import tool_set_ensure
    from curation.services.capture import capture
    from curation.services.captured import Capture
    from tests.curation.traffic import TOOLS

    tool_set = tool_set_ensure(application=application, tools=TOOLS)
    now = timezone.now()
    capture(
        [
            Capture(
                id=new_id(now),
                application_id=application.pk,
                tool_set_id=tool_set.pk,
                text=f"play number {number}",
                arrived_at=now,
                source=Source.IMPORT,
            )
            for number in range(queries)
        ]
    )


def _worker() -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, *WORKER.split()], env=os.environ | {"C_FORCE_ROOT": "1"})


def _wait(holds: Any, worker: subprocess.Popen[bytes]) -> None:
    give_up = time.monotonic() + PATIENCE_SECONDS
    while not holds():
        if time.monotonic() > give_up or worker.poll() is not None:
            sys.exit("The worker did not get there.")
        time.sleep(0.2)


if __name__ == "__main__":
    sys.exit(main())
