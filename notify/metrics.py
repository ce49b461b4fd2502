"""What the notifier counts."""

from prometheus_client import Counter, Gauge, Histogram

TURNS = Counter("headwater_notify_turns", "Turns of events taken in, by kind", ["kind"])
FAILED_TURNS = Counter("headwater_notify_failed_turns", "Turns that no ticket could be made of: a bug")
ATTEMPTS = Counter(
    "headwater_notify_attempts", "Attempts at delivery, by channel and result", ["channel", "result"]
)
SENDING = Histogram("headwater_notify_sending_seconds", "Time an attempt took, chart included", ["channel"])
PENDING = Gauge("headwater_notify_pending", "Messages waiting in the outbox, by channel", ["channel"])
FAILED = Gauge(
    "headwater_notify_failed", "Messages that did not arrive and that nobody has seen to, by state", ["state"]
)
