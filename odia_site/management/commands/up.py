"""`manage.py up`: the whole of ODIA on this machine."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import httpx
from django.core.management.base import BaseCommand, CommandError, CommandParser

from odia_site import env
from odia_site.embedded import EmbeddedPostgres, EmbeddedValkey
from odia_site.service_file import Services, forget_services, write_services
from odia_site.supervisor import AlreadyRunning, Program, Supervisor

MANAGE = (sys.executable, str(Path(__file__).resolve().parents[3] / "manage.py"))
CELERY = (sys.executable, "-m", "celery", "-A", "odia_site")
READY_SECONDS = 120.0
WATCH_SECONDS = 0.3


class Command(BaseCommand):
    help = "Start everything on this machine: database, broker, web, gateway, workers."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--host", default="127.0.0.1")
        parser.add_argument("--port", type=int, default=8000)
        parser.add_argument("--gateway-port", type=int, default=8001)
        parser.add_argument(
            "--gateway-processes", type=int, default=1, metavar="N", help="gateways on that port (default: %(default)s)"
        )
        parser.add_argument("--data-dir", type=Path, default=Path(env.read("ODIA_DATA_DIR", "var")))
        parser.add_argument("--no-sample", action="store_true", help="do not load the simulated sample application")

    def handle(self, *args: Any, **options: Any) -> None:
        # The children find their settings through the environment.
        os.environ["ODIA_DATA_DIR"] = str(options["data_dir"].absolute())
        if options["gateway_processes"] < 1:
            raise CommandError("--gateway-processes must be at least 1.")
        machine = Machine(
            options["data_dir"].absolute(),
            options["host"],
            options["port"],
            options["gateway_port"],
            options["gateway_processes"],
        )
        # SIGINT too: a shell that starts it in the background leaves that signal ignored.
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, _interrupt)
        try:
            machine.start(sample=not options["no_sample"])
            self.stdout.write(machine.welcome())
            self.stdout.flush()
            machine.watch()
        except AlreadyRunning as error:
            raise CommandError(str(error)) from error
        except KeyboardInterrupt:
            self.stdout.write("Stopping.")
        finally:
            # A second Ctrl-C must not leave half of it running.
            signal.signal(signal.SIGINT, signal.SIG_IGN)
            machine.stop()


def _interrupt(*_: object) -> None:
    raise KeyboardInterrupt


class Machine:
    """All processes of one machine, over one data directory."""

    def __init__(self, data_dir: Path, host: str, port: int, gateway_port: int, gateway_processes: int) -> None:
        self.data_dir = data_dir
        self.host = host
        self.port = port
        self.gateway_port = gateway_port
        self.gateway_processes = gateway_processes
        self.teacher_port = gateway_port + 1
        self._supervisor = Supervisor(data_dir)
        self._embedded: list[EmbeddedPostgres | EmbeddedValkey] = []
        self._prepared: dict[str, Any] = {}

    @property
    def web_url(self) -> str:
        return f"http://{self.host}:{self.port}/"

    @property
    def gateway_url(self) -> str:
        return f"http://{self.host}:{self.gateway_port}/v1"

    def start(self, *, sample: bool) -> None:
        """Start the services, bring the database up to date, start the processes, wait until they answer."""
        self._supervisor.acquire()
        for port in (self.port, self.gateway_port, *([self.teacher_port] if sample else [])):
            _require_free(self.host, port)
        services = Services(self._database(), self._broker(), self.gateway_url)
        write_services(self.data_dir, services)
        self._manage("migrate", "--verbosity", "0")
        self._prepared = json.loads(self._manage("prepare", "--json").splitlines()[-1])
        for program in self._programs():
            self._supervisor.start(program)
        self._wait_for(f"{self.web_url}sign-in/")
        self._wait_for(f"http://{self.host}:{self.gateway_port}/healthz")
        if sample:
            self._start_sample()

    def watch(self) -> None:
        while True:
            self._supervisor.watch()
            time.sleep(WATCH_SECONDS)

    def stop(self) -> None:
        """Stop the processes, then the services beneath them."""
        if not self._supervisor.acquired:
            return
        self._supervisor.end_programs()
        for service in reversed(self._embedded):
            service.stop()
        forget_services(self.data_dir)
        self._supervisor.release()

    def welcome(self) -> str:
        password = self._prepared["password"]
        sign_in = (
            f"user {self._prepared['user']}, password {password} (shown this once)"
            if password
            else f"user {self._prepared['user']} (a new password: manage.py changepassword {self._prepared['user']})"
        )
        return "\n".join(
            [
                "ODIA is running.",
                f"  Dashboard  {self.web_url}",
                f"  Gateway    {self.gateway_url}",
                f"  Sign in    {sign_in}",
                f"  Logs       {self.data_dir / 'log'}",
                "Ctrl-C stops everything.",
            ]
        )

    def _database(self) -> str:
        if url := env.read("DATABASE_URL"):
            return url
        postgres = EmbeddedPostgres(self.data_dir)
        self._embedded.append(postgres)
        return postgres.start()

    def _broker(self) -> str:
        if url := env.read("CELERY_BROKER_URL"):
            return url
        valkey = EmbeddedValkey(self.data_dir)
        self._embedded.append(valkey)
        url = valkey.start()
        self._supervisor.adopt(valkey.pid)
        return url

    def _programs(self) -> list[Program]:
        web = ["odia_site.asgi:application", "--port", str(self.port), "--lifespan", "off"]
        uvicorn = [sys.executable, "-m", "uvicorn", "--host", self.host, "--log-level", "warning"]
        worker = [*CELERY, "worker", "--loglevel", "INFO", "--concurrency"]
        # With its process, each run frees its memory, a GPU's too, and its peak is its own.
        each_run_apart = ["--max-tasks-per-child", "1"]
        return [
            Program("web", [*uvicorn, *web]),
            *self._gateways(),
            Program("shipper", [*MANAGE, "ship_spool"]),
            Program("worker", [*worker, "1", "--queues", "default", "--hostname", "worker@%h"]),
            Program("io-worker", [*worker, "32", "--pool", "threads", "--queues", "io", "--hostname", "io@%h"]),
            Program("trainer", [*worker, "1", *each_run_apart, "--queues", "training", "--hostname", "trainer@%h"]),
            Program("beat", [*CELERY, "beat", "--pidfile", ""]),
        ]

    def _gateways(self) -> list[Program]:
        """All on one port, which they share."""
        command = [sys.executable, "-m", "training.gateway.serve", "--host", self.host]
        command += ["--port", str(self.gateway_port)]
        names = ["gateway", *(f"gateway-{number}" for number in range(2, self.gateway_processes + 1))]
        return [Program(name, command) for name in names]

    def _start_sample(self) -> None:
        """The sample's teacher, and on the first start its traffic and the loop once."""
        teacher = [sys.executable, "-m", "curation.sample.teacher", "--host", self.host]
        self._supervisor.start(Program("sample-teacher", [*teacher, "--port", str(self.teacher_port)]))
        url = f"http://{self.host}:{self.teacher_port}/v1"
        self._supervisor.start(Program("sample", [*MANAGE, "load_sample", "--teacher-url", url], once=True))

    def _manage(self, *arguments: str) -> str:
        done = subprocess.run([*MANAGE, *arguments], capture_output=True, text=True, check=False)
        if done.returncode:
            raise CommandError(f"`manage.py {arguments[0]}` failed: {done.stderr.strip()}")
        return done.stdout

    def _wait_for(self, url: str) -> None:
        deadline = time.monotonic() + READY_SECONDS
        while time.monotonic() < deadline:
            self._supervisor.watch()
            try:
                if httpx.get(url, timeout=5).status_code == httpx.codes.OK:
                    return
            except httpx.TransportError:
                pass
            time.sleep(WATCH_SECONDS)
        raise CommandError(f"{url} does not answer after {READY_SECONDS:.0f} s; see {self.data_dir / 'log'}.")


def _require_free(host: str, port: int) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise CommandError(
                f"Port {port} on {host} is taken; choose others with --port and --gateway-port."
            ) from error
