"""The broker away for a minute: is any job lost or done twice, and what do the pages say?

    python -m tests.bench.broker_away FOLDER [--seconds 60] [--layers 2] [--epochs 1] [--limit 300]

FOLDER holds train.jsonl and tools.json. Against a real `manage.py up` in a temporary data directory, first with a
Valkey that hangs (SIGSTOP), then with one that is shut down and started again. A clustering is started before; an
evaluation, the building of a dataset and a distillation while it is away.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import psutil

from odia_site.embedded import EmbeddedValkey
from tests.bench import killed
from tests.running import RunningOdia, running_odia

PAGES = ("jobs/", "students/", "runs/", "datasets/", "clusters/")


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--layers", type=int, default=2)
    parser.add_argument("--epochs", type=int, default=1)
    parser.add_argument("--limit", type=int, default=300)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="odia-broker-") as name:
        data_dir = Path(name)
        data_dir.chmod(0o755)
        with running_odia(data_dir) as odia:
            killed.set_up_django(data_dir)
            killed.prepare(odia, options)
            pid = _valkey_pid(data_dir)
            restarted = EmbeddedValkey(data_dir)
            figures = {
                "hangs": _away(
                    odia, options, lambda: os.kill(pid, signal.SIGSTOP), lambda: os.kill(pid, signal.SIGCONT)
                ),
                "shut down": _away(odia, options, lambda: _end(pid), restarted.start),
            }
        restarted.stop()
    print(json.dumps(figures))
    return 0 if all(found["lost"] == found["done_twice"] == 0 for found in figures.values()) else 1


def _away(
    odia: RunningOdia, options: argparse.Namespace, stop: Callable[[], object], go_on: Callable[[], object]
) -> dict[str, Any]:
    from curation.models import Job

    before = _made()
    jobs = [_start_clustering()]
    killed.wait(lambda: Job.objects.get(pk=jobs[0]).state != "queued")
    stop()
    stopped = time.monotonic()
    started = [_timed(start) for start in (_start_evaluation, _start_build, _start_run)]
    jobs += [job for job, _ in started]
    waiting = Job.objects.filter(pk__in=jobs, state="queued", sent_at=None).count()
    pages = _pages(odia)
    time.sleep(max(0.0, options.seconds - (time.monotonic() - stopped)))
    go_on()
    back = time.monotonic()
    killed.wait(lambda: not Job.objects.filter(pk__in=jobs, state__in=["queued", "running"]).exists())
    done = Job.objects.filter(pk__in=jobs)
    made = {name: count - before[name] for name, count in _made().items()}
    return {
        "jobs": len(jobs),
        "told_that_the_broker_is_away": waiting,
        "lost": len(jobs) - done.filter(state="done").count(),
        "states": list(done.values_list("kind", "state", "attempts", "message")),
        "done_twice": sum(made[name] - wanted for name, wanted in WANTED.items()),
        "made": made,
        "slowest_start_seconds": round(max(seconds for _, seconds in started), 1),
        "pages": pages,
        "all_done_seconds_after": round(time.monotonic() - back, 1),
    }


WANTED = {"clusterings": 1, "evaluations": 2, "students": 1}
"""A run evaluates its student too. Building the same dataset again makes none."""


def _made() -> dict[str, int]:
    from curation.models import Clustering
    from training.models import Evaluation, Student

    counted: dict[str, Any] = {"clusterings": Clustering, "evaluations": Evaluation, "students": Student}
    return {name: model.objects.count() for name, model in counted.items()}


def _start_clustering() -> int:
    from curation.models import Application
    from curation.models.jobs import Trigger
    from curation.tasks import start_clustering

    return start_clustering(application=Application.objects.get(), trigger=Trigger.COMMAND).pk


def _start_evaluation() -> int:
    from curation.models.jobs import Trigger
    from training.models import Student
    from training.starting import start_evaluation

    return start_evaluation(student=Student.objects.earliest("pk"), trigger=Trigger.COMMAND).pk


def _start_build() -> int:
    from curation.models import Application
    from curation.models.jobs import Trigger
    from training.tasks import start_build

    return start_build(application=Application.objects.get(), trigger=Trigger.COMMAND).pk


def _start_run() -> int:
    from training.models import DistillationRun

    return DistillationRun.objects.get(pk=killed.start()).job_id


def _timed(start: Callable[[], int]) -> tuple[int, float]:
    began = time.monotonic()
    return start(), time.monotonic() - began


def _pages(odia: RunningOdia) -> dict[str, Any]:
    """What the pages answer to the administrator, and how long the slowest takes."""
    from django.contrib.auth.models import User
    from django.test import Client

    client = Client()
    client.force_login(User.objects.get())
    cookies = {"sessionid": client.cookies["sessionid"].value}
    with httpx.Client(base_url=odia.printed["Dashboard"], cookies=cookies, timeout=60) as browser:
        answers = [browser.get(page, follow_redirects=True) for page in PAGES]
    return {
        "statuses": sorted({answer.status_code for answer in answers}),
        "slowest_seconds": round(max(answer.elapsed.total_seconds() for answer in answers), 2),
        "jobs_page_says_so": "The broker does not answer" in answers[0].text,
    }


def _valkey_pid(data_dir: Path) -> int:
    recorded = [row["pid"] for row in json.loads((data_dir / "processes.json").read_text())]
    (found,) = [pid for pid in recorded if "valkey" in psutil.Process(pid).name()]
    return found


def _end(pid: int) -> None:
    process = psutil.Process(pid)
    process.terminate()
    while process.is_running() and process.status() != psutil.STATUS_ZOMBIE:
        time.sleep(0.1)


if __name__ == "__main__":
    sys.exit(main())
