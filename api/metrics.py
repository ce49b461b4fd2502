"""What the API counts about itself; served at /metrics."""

from prometheus_client import Counter, Gauge, Histogram

REQUESTS = Counter("headwater_api_requests_total", "Requests answered.", ["method", "route", "status"])
AUDITED = Counter(
    "headwater_api_audit_lines_total", "Lines of the audit log written off the path of requests."
)
SECONDS = Histogram(
    "headwater_api_request_seconds",
    "Time from a request to the end of its answer, in seconds.",
    ["method", "route"],
    buckets=(0.002, 0.005, 0.01, 0.02, 0.03, 0.06, 0.1, 0.25, 0.5, 1, 2.5, 10),
)
STREAMS = Gauge("headwater_api_streams", "Live streams that are open.")
