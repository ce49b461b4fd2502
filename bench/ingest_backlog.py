"""A million messages wait at the broker: the ingester starts, and stores them all in bounded memory."""

import sys
import time
from collections.abc import Iterator

from bench.ingest_single import METERS, payload
from bench.line import running_line
from bench.load import load
from bench.measure import Result

NAME = "ingest_backlog"
MESSAGES = 1_000_000
BAR_MB = 256.0


def run() -> Iterator[Result]:
    """Yield the ingester's peak memory; the seconds go to standard error."""
    start = int(time.time()) - 86_400
    with running_line() as line:
        line.add_meters([f"m{i}" for i in range(METERS)])
        line.stop()
        line.clear()
        messages = [
            (f"{line.prefix}/m{i % METERS}/readings", payload(start + i // METERS * 400 + i % 60, i))
            for i in range(MESSAGES)
        ]
        with load(line.mqtt_url, messages) as publisher:
            publisher.go()
            publisher.finish()
        began = time.perf_counter()
        line.start()
        line.wait_until_stored(MESSAGES)
        took = time.perf_counter() - began
        print(f"{MESSAGES:,} messages in {took:.0f} s, start included", file=sys.stderr)
        peak = line.peak_mb()
        yield Result(NAME, round(peak, 1), "MB peak", None, None, 1, BAR_MB, peak <= BAR_MB)
