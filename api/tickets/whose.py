"""Whose matter it is: the customer is found by what the caller knows."""

from api.rows import rows
from api.tickets.bodies import NewTicket
from core.errors import BadDataError
from sql.pool import Connection


def customer(conn: Connection, given: NewTicket) -> str | None:
    """Return the account number; None where nothing was said that names a customer.

    Raises BadDataError where what was said fits nobody, or several.
    """
    for name, value in (("account_no", given.account_no), ("meter", given.meter)):
        if value is None:
            continue
        found = [row["account_no"] for row in rows(conn, f"tickets.customer_by_{name}", value=value)]
        if not found:
            raise BadDataError(f"No customer has the {name} {value!r}.", cure="Look it up, or leave it out.")
        if len(found) > 1:
            listed = ", ".join(found)
            raise BadDataError(
                f"Several customers have the {name} {value!r}: {listed}.", cure="Say account_no."
            )
        return str(found[0])
    return None


def district(conn: Connection, given: NewTicket) -> int | None:
    """Return the id of the district that was named; BadDataError where there is none."""
    if given.dma is None:
        return None
    found = rows(conn, "dma", code=given.dma)
    if not found:
        raise BadDataError(f"There is no DMA {given.dma!r}.")
    return int(found[0]["id"])
