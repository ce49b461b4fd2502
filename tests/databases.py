"""Databases that live as long as a test."""

import uuid
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
from psycopg import sql
from psycopg.conninfo import make_conninfo


@contextmanager
def fresh_database(admin_url: str, template: str = "template0") -> Iterator[str]:
    """Make a database from `template`, yield its URL, and drop it."""
    name = f"hw_test_{uuid.uuid4().hex[:12]}"
    with psycopg.connect(admin_url, autocommit=True) as admin:
        copy = sql.SQL("create database {} template {}")
        admin.execute(copy.format(sql.Identifier(name), sql.Identifier(template)))
    try:
        yield make_conninfo(admin_url, dbname=name)
    finally:
        with psycopg.connect(admin_url, autocommit=True) as admin:
            admin.execute(sql.SQL("drop database {} with (force)").format(sql.Identifier(name)))


def close_for_cloning(admin_url: str, url: str) -> str:
    """Let nobody into the database at `url` any more, and return its name for use as a template.

    TimescaleDB's scheduler visits every database that can be visited; a template must be at rest.
    """
    name = str(psycopg.conninfo.conninfo_to_dict(url)["dbname"])
    with psycopg.connect(admin_url, autocommit=True) as admin:
        closed = sql.SQL("alter database {} with allow_connections false")
        admin.execute(closed.format(sql.Identifier(name)))
        admin.execute(
            "select pg_terminate_backend(pid, 5000) from pg_stat_activity where datname = %s", [name]
        )
    return name
