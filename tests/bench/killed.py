"""Distillations that are killed: do they end with the student of an undisturbed one?

    python -m tests.bench.killed FOLDER [--layers 2] [--epochs 2] [--limit 700]

FOLDER holds train.jsonl and tools.json. In a temporary data directory, against a real `manage.py up`, the same
distillation is done four times: undisturbed; with the trainer's processes killed by -9 in the middle of the training;
again in the middle of the calibration; and with everything killed, PostgreSQL and Valkey too, and `up` started again.
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
from contextlib import suppress
from pathlib import Path

import psutil

from tests.running import RunningOdia, running_odia

PATIENCE_SECONDS = 900
APPLICATION = "killed"


def main() -> int:
    options = _options()
    with tempfile.TemporaryDirectory(prefix="odia-killed-") as name:
        data_dir = Path(name)
        data_dir.chmod(0o755)
        hashes = _with_one_up(data_dir, options)
        hashes["everything"] = _everything_killed(data_dir)
    same = len(set(hashes.values())) == 1
    print(json.dumps({"same": same, "learned_sha256": hashes}))
    return 0 if same else 1


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("--layers", type=int, default=2)
    parser.add_argument("--epochs", type=int, default=2)
    parser.add_argument("--limit", type=int, default=700)
    return parser.parse_args()


def _with_one_up(data_dir: Path, options: argparse.Namespace) -> dict[str, str]:
    """The runs through which one `up` lives."""
    with running_odia(data_dir) as odia:
        set_up_django(data_dir)
        prepare(odia, options)
        return {
            "undisturbed": _distil("undisturbed"),
            "training": _distil("trainer killed in the training", _in_training, lambda: _kill_trainer(odia)),
            "calibration": _distil("trainer killed in the calibration", _in_calibration, lambda: _kill_trainer(odia)),
        }


def _everything_killed(data_dir: Path) -> str:
    _forget_connection()  # its server has ended with the `up` before
    with suppress(ProcessLookupError), running_odia(data_dir) as odia:
        run = start()
        wait(lambda: _in_training(run))
        killed = _kill_all(odia)
        print(f"everything killed: {killed} processes in the training", file=sys.stderr)
    _forget_connection()
    began = time.monotonic()
    with running_odia(data_dir):
        return _ended("everything killed", run, began)


def prepare(odia: RunningOdia, options: argparse.Namespace) -> None:
    folder: Path = options.folder
    tools = ["--tools", str(folder / "tools.json")]
    odia.manage("import_traffic", str(folder / "train.jsonl"), "--application", APPLICATION, *tools)
    sizes = ["--layers", str(options.layers), "--epochs", str(options.epochs), "--limit", str(options.limit)]
    odia.manage("run_loop", "--application", APPLICATION, "--approve", "policy", *sizes)


def set_up_django(data_dir: Path) -> None:
    os.environ["ODIA_DATA_DIR"] = str(data_dir)
    os.environ["DJANGO_SETTINGS_MODULE"] = "odia_site.settings"
    import django

    django.setup()


def start() -> int:
    """A run with the dataset and the settings of the first one."""
    from curation.models.jobs import Trigger
    from training.models import DistillationRun
    from training.starting import start_run

    first = DistillationRun.objects.select_related("dataset").earliest("pk")
    run = start_run(dataset=first.dataset, trigger=Trigger.COMMAND, family=first.family, config=first.config)
    return run.pk


def _distil(name: str, when: Callable[[int], bool] | None = None, disturb: Callable[[], object] | None = None) -> str:
    run = start()
    began = time.monotonic()
    if when and disturb:
        wait(lambda: when(run))
        disturb()
    return _ended(name, run, began)


def _ended(name: str, run: int, began: float) -> str:
    from training.models import DistillationRun

    wait(lambda: _job(run).ended)
    row = DistillationRun.objects.select_related("job", "student").get(pk=run)
    assert row.job.state == "done", (row.job.state, row.job.message, row.log)
    went_on = [line for line in row.log.splitlines() if " goes on " in line]
    learned: str = row.student.report["learned_sha256"]
    seconds = time.monotonic() - began
    print(f"{name}: {learned[:16]} in {seconds:.0f} s, begun {row.job.attempts} times {went_on}", file=sys.stderr)
    return learned


def _job(run: int):  # Django is set up only while it runs
    from curation.models import Job

    return Job.objects.get(run=run)


def _in_training(run: int) -> bool:
    """After the first checkpoint, so that there is something to go on from."""
    from training.models import DistillationRun

    curve = DistillationRun.objects.get(pk=run).curve
    return bool(curve) and _job(run).phase == "training" and curve[-1]["fraction"] > 0.6


def _in_calibration(run: int) -> bool:
    job = _job(run)
    return job.phase == "calibration" and job.progress > 0.65


def wait(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not holds():
        if time.monotonic() > deadline:
            sys.exit("It took too long.")
        time.sleep(0.2)


def _kill_trainer(odia: RunningOdia) -> None:
    """The worker and its child."""
    family = psutil.Process(odia.process.pid).children(recursive=True)
    for process in family:
        with suppress(psutil.NoSuchProcess):
            if any("trainer@" in word for word in process.cmdline()):
                process.kill()


def _kill_all(odia: RunningOdia) -> int:
    postmaster = psutil.Process(int((odia.data_dir / "postgres" / "postmaster.pid").read_text().split()[0]))
    up = psutil.Process(odia.process.pid)
    recorded = [row["pid"] for row in json.loads((odia.data_dir / "processes.json").read_text())]
    family = [up, *up.children(recursive=True), postmaster, *postmaster.children(recursive=True)]
    pids = {process.pid for process in family} | set(recorded)
    for pid in pids:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    return len(pids)


def _forget_connection() -> None:
    from django.db import connections

    connections.close_all()


if __name__ == "__main__":
    sys.exit(main())
