"""What the ingester counts."""

from prometheus_client import Counter, Gauge, Histogram

MESSAGES = Counter("headwater_ingest_messages", "MQTT messages stored or quarantined")
READINGS = Counter("headwater_ingest_readings", "Readings stored that were not there yet")
QUARANTINED = Counter(
    "headwater_ingest_quarantined", "Messages put in quarantine, whole or in part", ["reason"]
)
BATCHES = Counter("headwater_ingest_batches", "Transactions committed, by the way of the readings", ["path"])
COMMIT_SECONDS = Histogram(
    "headwater_ingest_commit_seconds",
    "Time from a complete batch to its commit, seconds",
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10),
)
QUEUE = Gauge("headwater_ingest_queue_messages", "Messages received and not yet in a batch")
CONNECTED = Gauge("headwater_ingest_connected", "1 while connected to the broker")
RECONNECTIONS = Counter("headwater_ingest_reconnections", "Connections made to the broker")
SESSIONS_LOST = Counter("headwater_ingest_sessions_lost", "Connections at which the broker had forgotten us")
DATABASE_RETRIES = Counter("headwater_ingest_database_retries", "Commits that had to be tried again")
