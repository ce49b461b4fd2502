"""Rows that tests need before they can begin."""

from typing import Any

from psycopg import sql

from sql.pool import Connection


def insert(conn: Connection, table: str, returning: str = "", **values: Any) -> Any:
    """Insert one row; return the value of column `returning`, if asked for."""
    statement = sql.SQL("insert into {} ({}) values ({}) {}").format(
        sql.Identifier(table),
        sql.SQL(", ").join(map(sql.Identifier, values)),
        sql.SQL(", ").join(sql.Placeholder() * len(values)),
        sql.SQL("returning {}").format(sql.Identifier(returning)) if returning else sql.SQL(""),
    )
    cursor = conn.execute(statement, list(values.values()))
    return cursor.fetchall()[0][0] if returning else None


def staff(conn: Connection, login: str, **values: Any) -> int:
    """Insert a member of staff; return the id."""
    values = {"name": login.title(), "email": f"{login}@utility.example"} | values
    return int(insert(conn, "staff", "id", login=login, **values))


def dma(conn: Connection, code: str = "D1", **values: Any) -> int:
    """Insert a DMA; return its id."""
    return int(insert(conn, "dma", "id", code=code, **({"name": code} | values)))


def meter(conn: Connection, serial: str, **values: Any) -> int:
    """Insert a meter; return its id."""
    return int(insert(conn, "meter", "id", serial=serial, **({"q3_lph": 2500, "resolution_l": 1} | values)))


def customer(conn: Connection, account_no: str, serial: str = "", **values: Any) -> int:
    """Insert a customer with a service point and, if `serial` is given, a meter there; return its id or 0."""
    insert(conn, "customer", account_no=account_no, **({"name": f"Customer {account_no}"} | values))
    point = insert(
        conn,
        "service_point",
        "id",
        code=f"sp-{account_no}",
        account_no=account_no,
        dma_id=values.get("dma_id"),
    )
    if not serial:
        return 0
    meter_id = meter(conn, serial, dma_id=values.get("dma_id"))
    insert(conn, "meter_installation", meter_id=meter_id, service_point_id=point)
    return meter_id
