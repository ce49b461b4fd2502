"""What detection tells Prometheus."""

from prometheus_client import Counter, Gauge, Histogram

CYCLES = Counter("headwater_detection_cycles_total", "Detection cycles that found something new.")
CYCLE_SECONDS = Histogram(
    "headwater_detection_cycle_seconds",
    "Duration of detection cycles that found something new, seconds.",
    buckets=(0.05, 0.1, 0.25, 0.5, 1, 2, 5, 10, 30, 60, 300),
)
READINGS = Counter("headwater_detection_readings_total", "Readings read from the store, context included.")
ENTRIES = Counter(
    "headwater_detection_entries_total", "Entries into the history of events.", ["kind", "group"]
)
OPEN_EVENTS = Gauge("headwater_detection_open_events", "Events that are open, by group.", ["group"])
WINDOW_BYTES = Gauge("headwater_detection_window_bytes", "Memory of the window, bytes.")
NEWEST_SLOT = Gauge("headwater_detection_newest_slot_seconds", "End of the newest slot, seconds since 1970.")
REFUSED_POLICIES = Gauge("headwater_detection_refused_policies", "Policies that are refused and not applied.")
