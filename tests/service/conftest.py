"""Connections with the rights that the rules run with."""

from collections.abc import Iterator

import pytest

from sql.pool import Connection, connect


@pytest.fixture
def desk_conn(database_url: str) -> Iterator[Connection]:
    """A connection with the notifier's rights, in autocommit: each rule is seen by the test at once."""
    with connect(database_url, "notify", autocommit=True) as connection:
        yield connection
