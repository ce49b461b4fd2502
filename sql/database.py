"""Make a database anew: for the demo, which begins with an empty one."""

import psycopg
from psycopg import sql
from psycopg.conninfo import make_conninfo

from sql.pool import unavailable


def recreate(server_url: str, name: str) -> str:
    """Drop the database `name` on the server of `server_url`, create it, and return its URL."""
    try:
        with psycopg.connect(server_url, autocommit=True) as conn:
            conn.execute(sql.SQL("drop database if exists {} with (force)").format(sql.Identifier(name)))
            conn.execute(sql.SQL("create database {}").format(sql.Identifier(name)))
    except psycopg.OperationalError as problem:
        raise unavailable(problem) from problem
    return make_conninfo(server_url, dbname=name)
