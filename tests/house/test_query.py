"""Named queries."""

import pytest

from sql.query import Queries, rooms


def test_every_query_file_can_be_read() -> None:
    assert "feed" in rooms()
    assert all(Queries(room).all() for room in rooms())


def test_an_unknown_query_is_named_in_the_error() -> None:
    with pytest.raises(KeyError, match=r"no query 'nothing' in sql/queries/feed\.sql"):
        Queries("feed")["nothing"]
