"""Messages of one reading, PUBLISH to committed rows; against a paho subscriber that only acknowledges."""

import subprocess
import sys
import time
from collections.abc import Iterator

from bench.line import Line, Messages, running_line
from bench.load import load
from bench.measure import Result, compare

NAME = "ingest_single"
METERS = 5_000
READINGS = 40_000


def run() -> Iterator[Result]:
    """Yield the rate of one ingester."""
    start = int(time.time()) - 86_400
    with running_line() as line:
        line.add_meters([f"m{i}" for i in range(METERS)])
        messages = [
            (f"{line.prefix}/m{i % METERS}/readings", payload(start + i // METERS * 900 + i % 60, i))
            for i in range(READINGS)
        ]
        bare = [(f"bare-{topic}", payload) for topic, payload in messages]
        yield compare(
            NAME,
            "messages/s",
            READINGS,
            lambda: line.seconds_to_store(messages, READINGS),
            "paho_ack_only",
            lambda: _seconds_to_acknowledge(line, bare),
            bar=0.6,
        )


def payload(at: int, i: int) -> bytes:
    """Return reading number `i` of the load, taken at `at` (seconds since 1970)."""
    stamp = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(at))
    values = f'"register_l":{100_000 + i / 10},"flow_lph":{i % 300},"pressure_kpa":310.2'
    return f'{{"ts":"{stamp}",{values}}}'.encode()


def _seconds_to_acknowledge(line: Line, messages: Messages) -> float:
    command = [sys.executable, "-m", "bench.bare", line.mqtt_url, f"bare-{line.prefix}/+/readings"]
    command.append(str(len(messages)))
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as subscriber:
        assert subscriber.stdout is not None
        subscriber.stdout.readline()
        with load(line.mqtt_url, messages) as publisher:
            began = time.perf_counter()
            publisher.go()
            subscriber.stdout.readline()
            return time.perf_counter() - began
