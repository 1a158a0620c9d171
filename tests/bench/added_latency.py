"""What the gateway adds to a request that the teacher answers, beside what nginx adds in the same place.

    python -m tests.bench.added_latency [--seconds 60] [--rates 1 20 100] [--processes 1]

A teacher answers at once. The same requests go to it straight, by way of nginx as a plain reverse proxy, and by way
of the gateway of a whole ODIA (`manage.py up`, its own PostgreSQL, shipper and workers on the same machine). Arrivals
are random (a Poisson process) at each rate, whether earlier requests have been answered or not; at each arrival one
request goes each of the three ways, one after the other in a changing order, so that noise hits all three alike. Added
time is the difference within such a triple. Connections are kept alive on all sides.
"""

from __future__ import annotations

import argparse
import random
import socket
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from itertools import accumulate
from pathlib import Path

import numpy as np
import psutil

from tests.bench.stand import body_of, folder_for_odia, instant_teacher, tools_and_queries, whole_odia
from tests.bench.wire import Pool, at_times, post, run_fast
from tests.running import free_ports

NGINX = "/usr/sbin/nginx"
NGINX_CONFIG = """
worker_processes 1;
daemon off;
pid {folder}/nginx.pid;
error_log {folder}/error.log;
events {{ worker_connections 1024; }}
http {{
    access_log off;
    keepalive_requests 1000000;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    client_body_buffer_size 1m;
    upstream teacher {{ server 127.0.0.1:{teacher}; keepalive 64; keepalive_requests 1000000; }}
    server {{
        listen 127.0.0.1:{port};
        location / {{ proxy_pass http://teacher; proxy_http_version 1.1; proxy_set_header Connection ""; }}
    }}
}}
"""
WAYS = ("direct", "nginx", "gateway")


@contextmanager
def nginx(teacher_port: int) -> Iterator[int]:
    """The port of an nginx in front of the teacher."""
    with folder_for_odia() as folder:
        port = free_ports(1)
        config = folder / "nginx.conf"
        config.write_text(NGINX_CONFIG.format(folder=folder, teacher=teacher_port, port=port))
        with subprocess.Popen([NGINX, "-p", str(folder), "-c", str(config)], stderr=subprocess.DEVNULL) as process:
            try:
                _wait_until_it_listens(port)
                yield port
            finally:
                process.terminate()


def _wait_until_it_listens(port: int) -> None:
    give_up_at = time.monotonic() + 10
    while True:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        if time.monotonic() > give_up_at:
            raise TimeoutError("nginx does not start")
        time.sleep(0.05)


class Triples:
    """Sends each request the three ways; `milliseconds` holds a column for each way."""

    def __init__(self, ports: Sequence[int], key: str, seed: int) -> None:
        tools, queries = tools_and_queries()
        self._requests = [post(body_of(text, tools), key=key) for text in queries[:200]]
        self._pools = [Pool(port) for port in ports]
        self._random = random.Random(seed)
        self.milliseconds: list[list[float]] = []

    async def measure(self, rate: float, seconds: float) -> np.ndarray:
        """Shape (requests, 3)."""
        self.milliseconds = []
        gaps = (self._random.expovariate(rate) for _ in range(max(1, round(rate * seconds))))
        await at_times(list(accumulate(gaps)), self.send)
        return np.array(self.milliseconds)

    async def send(self, number: int) -> None:
        row = [0.0] * len(WAYS)
        request = self._requests[number % len(self._requests)]
        for way in self._random.sample(range(len(WAYS)), len(WAYS)):
            answer = await self._pools[way].ask(request)
            assert answer.status == 200, answer
            row[way] = answer.seconds * 1000
        self.milliseconds.append(row)


def report(rate: float, milliseconds: np.ndarray) -> None:
    p50, p99 = np.percentile(milliseconds, [50, 99], axis=0)
    added = milliseconds - milliseconds[:, :1]
    added50, added99 = np.percentile(added, [50, 99], axis=0)
    for way, name in enumerate(WAYS):
        line = f"{rate:5g} requests/s  {name:8} p50 {p50[way]:6.2f} ms, p99 {p99[way]:6.2f} ms"
        if way:
            line += f"; added p50 {added50[way]:5.2f} ms, p99 {added99[way]:6.2f} ms"
        print(line)
    print(
        f"{rate:5g} requests/s  the gateway adds {added50[2] / added50[1]:.1f} times what nginx adds at the median "
        f"({len(milliseconds)} triples; aims: 1 ms, 5 ms at the 99th percentile, 5 times)",
        flush=True,
    )


async def measure(ports: Sequence[int], key: str, rates: Sequence[float], seconds: float, seed: int) -> None:
    triples = Triples(ports, key, seed)
    await triples.measure(rate=50, seconds=4)  # connections, caches
    for rate in rates:
        report(rate, await triples.measure(rate, seconds))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=60, help="for each rate (default: %(default)s)")
    parser.add_argument("--rates", type=float, nargs="+", default=[1, 20, 100], help="requests a second")
    parser.add_argument("--processes", type=int, default=1, help="gateways on the port (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    if not Path(NGINX).exists():
        parser.error(f"{NGINX} is missing: apt-get install nginx")
    with ExitStack() as stack:
        teacher = stack.enter_context(instant_teacher())
        proxy = stack.enter_context(nginx(teacher))
        folder = stack.enter_context(folder_for_odia())
        odia = stack.enter_context(whole_odia(folder, teacher, "--gateway-processes", str(options.processes)))
        print(f"{psutil.cpu_count()} cores; load {psutil.getloadavg()[0]:.1f} before the measurement", flush=True)
        run_fast(measure([teacher, proxy, odia.port], odia.key, options.rates, options.seconds, options.seed))


if __name__ == "__main__":
    main()
