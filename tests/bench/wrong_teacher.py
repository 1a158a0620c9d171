"""How soon the page tells of a wrong teacher, before a job starts. Run by hand:

    python -m tests.bench.wrong_teacher [--queries 5000]

An operator presses *Start* to have queries labelled by a teacher of which one thing is wrong at a time. Printed: the
seconds until the page has come, how many jobs were started, and the sentence that the page says.
"""

from __future__ import annotations

import argparse
import html
import re
import socket
import time
from typing import TYPE_CHECKING

from tests.bench.own_database import prepare
from tests.moody_teacher import MoodyTeacher
from tests.training.gateway.servers import running

if TYPE_CHECKING:
    from django.test import Client

SENTENCE = re.compile(r'<li class="message error">(.*?)</li>', re.DOTALL)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--queries", type=int, default=5000)
    options = parser.parse_args()
    prepare()
    from curation.models import Teacher
    from curation.services.applications import application_ensure, teacher_set
    from tests.bench.labelling import fill

    application = application_ensure(slug="mistaken")
    fill(application, options.queries)
    right, refusing = MoodyTeacher(model="large"), MoodyTeacher(status=401)
    with (
        running(right, "off") as url,
        running(refusing, "off") as other,
        socket.create_server(("127.0.0.1", 0)) as mute,
    ):
        teacher = teacher_set(application=application, base_url=f"{url}/v1", model="large")
        client = _operator()
        for mistake, change in {
            "address, nothing listens there": {"base_url": "http://127.0.0.1:9/v1"},
            "address, no such host": {"base_url": "http://teacher.invalid/v1"},
            "address, never answers": {"base_url": f"http://127.0.0.1:{mute.getsockname()[1]}/v1"},
            "address, not this API": {"base_url": f"{url}/v1/chat"},
            "key": {"base_url": f"{other}/v1"},
            "key, not set": {"api_key_env": "NO_SUCH_VARIABLE"},
            "model": {"model": "larger"},
        }.items():
            Teacher.objects.update(**change)
            print(f"{mistake}: {_start(client)}", flush=True)
            teacher.save()


def _operator() -> Client:
    from django.contrib.auth.models import User
    from django.test import Client

    client = Client()
    client.force_login(User.objects.create_superuser("operator"))
    return client


def _start(client: Client) -> str:
    from curation.models import Job

    began = time.perf_counter()
    page = client.post("/labelling/start/", {"scope": "unanswered"}, headers={"host": "localhost"}).content.decode()
    seconds = time.perf_counter() - began
    sentences = [html.unescape(found) for found in SENTENCE.findall(page)]
    return f"{seconds:.2f} s, {Job.objects.count()} jobs; {' '.join(sentences) or 'NOTHING WAS SAID'}"


if __name__ == "__main__":
    main()
