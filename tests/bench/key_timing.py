"""Can a key be guessed from how long its refusal takes?

    python -m tests.bench.key_timing [--rounds 2000] [--seed 0]

Keys that are wrong, revoked, foreign (another ODIA's), malformed, or right up to their last character are sent to the
gateway of a whole ODIA, to `/v1/models` and to `/v1/chat/completions`, in rounds of one request of each kind in a
changing order, so that noise hits all alike. All must be refused with the same 401. Printed are the medians, and for
each kind the p value of Wilcoxon's signed-rank test on its differences from the wrong keys within the rounds. A second
group of wrong keys, which cannot differ from the first, shows what chance and noise do. A kind is told where its p
value, times the number of kinds (Bonferroni), is below 0.01; the exit status is 1 then.
"""

from __future__ import annotations

import argparse
import json
import random
import secrets
import sys
from collections.abc import Mapping

import numpy as np
from scipy.stats import wilcoxon

from tests.bench.stand import SLUG, Measured, body_of, folder_for_odia, instant_teacher, tools_and_queries, whole_odia
from tests.bench.wire import Answer, Pool, get, post, run_fast

TOLD = 0.01
WRONG, CONTROL = "wrong", "wrong (control)"
REVOKE = (
    "import sys; from training.models import ApiKey; from training.services.keys import hash_key, key_revoke; "
    "key_revoke(key=ApiKey.objects.get(sha256=hash_key({key!r})))"
)


def another_key(odia: Measured) -> str:
    printed = odia.odia.manage("create_key", "--application", SLUG, "--json")
    return json.loads(printed.splitlines()[-1])["key"]


def keys_of_kinds(odia: Measured) -> dict[str, str]:
    """A key of each kind, all of the same length; a wrong one has not even the right beginning."""
    revoked = another_key(odia)
    odia.odia.manage("shell", "-c", REVOKE.format(key=revoked))
    length = len(odia.key)
    last = "A" if odia.key[-1] != "A" else "B"
    return {
        WRONG: secrets.token_urlsafe(length)[:length],
        CONTROL: secrets.token_urlsafe(length)[:length],
        "revoked": revoked,
        "foreign": f"odia-{secrets.token_urlsafe(32)}",
        "malformed": ("\xff\xfe {}" * length)[:length],
        "right but for its end": odia.key[:-1] + last,
    }


def refused(path: str, keys: Mapping[str, str]) -> dict[str, bytes]:
    """A request to this path with each of the keys."""
    if path == "/v1/models":
        return {kind: get(path, authorization=b"Bearer " + key.encode("latin-1")) for kind, key in keys.items()}
    tools, queries = tools_and_queries()
    body = body_of(queries[0], tools)
    return {
        kind: post(body, key="KEY", path=path).replace(b"KEY", key.encode("latin-1"), 1) for kind, key in keys.items()
    }


async def measure(port: int, requests: Mapping[str, bytes], rounds: int, rng: random.Random) -> dict[str, np.ndarray]:
    """Microseconds by kind, one for each round."""
    pool, microseconds = Pool(port), {kind: np.empty(rounds) for kind in requests}
    expected = (await pool.ask(requests[WRONG])).body
    for number in range(rounds):
        for kind in rng.sample(list(requests), len(requests)):
            answer = await pool.ask(requests[kind])
            check_refused(kind, answer, expected)
            microseconds[kind][number] = answer.seconds * 1e6
    return microseconds


def check_refused(kind: str, answer: Answer, expected: bytes) -> None:
    if answer.status != 401 or answer.body != expected:
        raise SystemExit(f"a key that is {kind} is answered otherwise than a wrong one: {answer}")


def report(path: str, microseconds: Mapping[str, np.ndarray]) -> bool:
    """Print a line for each kind; whether one is told."""
    wrong, told = microseconds[WRONG], False
    print(f"{path}: {len(wrong)} rounds, all refused with 401; {WRONG}: {np.median(wrong):.1f} µs at the median")
    others = [kind for kind in microseconds if kind != WRONG]
    for kind in others:
        differences = microseconds[kind] - wrong
        p = float(wilcoxon(differences).pvalue)
        tells = kind != CONTROL and p * (len(others) - 1) < TOLD
        told |= tells
        print(
            f"    {kind:24} {np.median(microseconds[kind]):8.1f} µs, difference {np.median(differences):+6.2f} µs, "
            f"p = {p:.3f}{' TOLD BY ITS TIME' if tells else ''}"
        )
    return told


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    told = False
    with instant_teacher() as teacher, folder_for_odia() as folder, whole_odia(folder, teacher) as odia:
        keys = keys_of_kinds(odia)
        run_fast(wait_until_known(odia.port, odia.key, keys["revoked"]))
        for path in ("/v1/models", "/v1/chat/completions"):
            measured = measure(odia.port, refused(path, keys), options.rounds, random.Random(options.seed))
            told |= report(path, run_fast(measured))
    sys.exit(int(told))


async def wait_until_known(port: int, key: str, revoked: str) -> None:
    """Until the gateway knows the one key and the end of the other."""
    pool = Pool(port)
    for text, status in ((key, 200), (revoked, 401)):
        while (await pool.ask(get("/v1/models", authorization=b"Bearer " + text.encode()))).status != status:
            pass


if __name__ == "__main__":
    main()
