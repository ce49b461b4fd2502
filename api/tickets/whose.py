"""Whose matter it is: the customer is found by what the caller knows."""

from api.rows import rows
from api.tickets.bodies import NewTicket
from core.errors import BadDataError
from service.search import search
from sql.pool import Connection


def customer(conn: Connection, given: NewTicket) -> str | None:
    """Return the account number; None where nothing was said that names a customer.

    Raises BadDataError where what was said fits nobody, or several.
    """
    for name in ("account_no", "meter", "phone", "address"):
        value = getattr(given, name)
        if not value:
            continue
        found = _found(conn, name, value)
        if not found:
            raise BadDataError(f"No customer has the {name} {value!r}.", cure="Look it up, or leave it out.")
        if len(found) > 1:
            listed = ", ".join(found)
            raise BadDataError(
                f"Several customers have the {name} {value!r}: {listed}.", cure="Say account_no."
            )
        return found[0]
    return None


def _found(conn: Connection, name: str, value: str) -> list[str]:
    """Return the account numbers that fit; by phone and address those that fit best."""
    if name in ("account_no", "meter"):
        return [row["account_no"] for row in rows(conn, f"tickets.customer_by_{name}", value=value)]
    fit = [row for row in search(conn, value) if row["matched"] == name]
    return [row["account_no"] for row in fit if row["score"] == fit[0]["score"]]


def district(conn: Connection, given: NewTicket) -> int | None:
    """Return the id of the district that was named; BadDataError where there is none."""
    if given.dma is None:
        return None
    found = rows(conn, "dma", code=given.dma)
    if not found:
        raise BadDataError(f"There is no DMA {given.dma!r}.")
    return int(found[0]["id"])
