"""Fixtures that every test may ask for: the real database and the real broker."""

from collections.abc import Iterator

import pytest

from jobs.stack import StackUrls, stack_session


@pytest.fixture(scope="session")
def stack() -> Iterator[StackUrls]:
    """The servers: those that run or that settings name, else started now and stopped at the end."""
    with stack_session() as urls:
        yield urls


@pytest.fixture(scope="session")
def admin_url(stack: StackUrls) -> str:
    """A database from which others can be created."""
    return stack.database_url
