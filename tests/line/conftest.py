"""The environment that a line of roles runs in."""

import json
import uuid

import pytest

from jobs.stack import StackUrls


@pytest.fixture
def line_env(stack: StackUrls, database_url: str) -> dict[str, str]:
    """Return settings for roles of the test's own: database, session and topics."""
    name = f"line-{uuid.uuid4().hex[:8]}"
    return {
        "HEADWATER_DATABASE_URL": database_url,
        "HEADWATER_MQTT_URL": stack.mqtt_url,
        "HEADWATER_INGEST_CLIENT_ID": name,
        "HEADWATER_INGEST_TOPICS": json.dumps({f"{name}/+/readings": "native"}),
        "HEADWATER_LOG_LEVEL": "WARNING",
    }
