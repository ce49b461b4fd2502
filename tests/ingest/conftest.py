"""A line of its own for every test."""

import uuid
from collections.abc import Iterator

import pytest

from jobs.stack import StackUrls
from sql.pool import Connection
from tests.ingest.line import Line


@pytest.fixture
def line(stack: StackUrls, database_url: str, conn: Connection) -> Iterator[Line]:
    it = Line(database_url, stack.mqtt_url, conn, f"t{uuid.uuid4().hex[:10]}")
    yield it
    it.forget()
