"""Who is asking, and what they may: a bearer key with scopes; the database shows them what is theirs."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Annotated, Any

import psycopg
from fastapi import Depends, Request, Response, Security
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer, SecurityScopes

from api import keys, once, tokens
from api.keys import KeyScope
from api.limits import Doors
from api.problem import RefusedError
from api.trail import Line, Trail
from core.clock import Clock
from sql.pool import Connection, Pool
from sql.query import Queries

Q = Queries("api")
STATEMENT_TIMEOUT = "10s"
CHECKOUT_TIMEOUT_S = 3.0

_bearer = HTTPBearer(
    auto_error=False,
    scheme_name="key",
    bearerFormat="hw_<prefix>_<secret>",
    description="An API key, made by `headwater key create`: `Authorization: Bearer hw_...`.",
)


@dataclass(frozen=True)
class Caller:
    """A proved caller: what is asked inside `transaction` shows only what they may see."""

    key: keys.Key
    pool: Pool
    clock: Clock
    line: Line | None = None
    """Of the audit log, for a change: written with it."""
    deed: once.Deed | None = None
    """What is to be done once."""
    conn: Connection | None = None
    """The transaction of the deed, in which every other one is."""

    @property
    def actor(self) -> str:
        """How entries name the caller."""
        return self.key.actor

    def now(self) -> datetime:
        """Return the present instant."""
        return self.clock.now()

    @contextmanager
    def transaction(self, timeout: str = STATEMENT_TIMEOUT) -> Iterator[Connection]:
        """Open a transaction that sees what the caller may see; commits unless the block raises.

        Inside a deed it is a part of the deed's.
        """
        with self._begun() as conn:
            self.narrow(conn, timeout)
            yield conn
            if self.line is not None:
                self.line.write(conn)

    def once(self, do: Callable[["Caller"], tuple[Response, bytes]]) -> Response:
        """Do a deed, or return the answer that it had; `do` gets the caller who acts in its transaction."""
        if self.deed is None:
            return do(self)[0]
        with self.pool.connection(CHECKOUT_TIMEOUT_S) as conn:
            acting = replace(self, conn=conn)

            def done() -> tuple[Response, bytes]:
                answered = do(acting)
                self._ask(conn, "", STATEMENT_TIMEOUT)  # what is kept of a deed is nobody's to see
                return answered

            return once.perform(conn, self.key.who, self.deed, self.now(), done)

    @contextmanager
    def _begun(self) -> Iterator[Connection]:
        if self.conn is None:
            with self.pool.connection(CHECKOUT_TIMEOUT_S) as conn:
                yield conn
        else:
            with self.conn.transaction():
                yield self.conn

    def widen(self, conn: Connection) -> None:
        """See everything for the rest of the transaction: for a deed proved to be the caller's.

        Work that changes hands passes out of the sight of who gives it away.
        """
        self._ask(conn, "all", STATEMENT_TIMEOUT)

    def narrow(self, conn: Connection, timeout: str = STATEMENT_TIMEOUT) -> None:
        """See what the caller may see, and no more, for the rest of the transaction."""
        if self.key.account_no is not None:
            conn.execute(Q["ask_as_customer"], {"account": self.key.account_no, "timeout": timeout})
        else:
            self._ask(conn, "all" if self.key.sees_all else "own", timeout)

    def apart(self) -> "Caller":
        """Return the caller outside of the deed: for what must stand though the deed fails."""
        return replace(self, conn=None, deed=None, line=None)

    def _ask(self, conn: Connection, sees: str, timeout: str) -> None:
        staff = "" if self.key.staff_id is None else str(self.key.staff_id)
        conn.execute(Q["ask_as"], {"sees": sees, "staff": staff, "timeout": timeout})


@contextmanager
def unsigned(request: Request) -> Iterator[Connection]:
    """Open a transaction with the rights of the rules, for a page of somebody who is not signed in."""
    pool: Pool = request.app.state.pool
    with pool.connection(CHECKOUT_TIMEOUT_S) as conn:
        conn.execute(Q["ask_as"], {"sees": "all", "staff": "", "timeout": STATEMENT_TIMEOUT})
        yield conn


@contextmanager
def autocommitted(pool: Pool) -> Iterator[Connection]:
    """Lend a connection for single statements, which saves two of the three round trips."""
    with pool.connection(CHECKOUT_TIMEOUT_S) as conn:
        conn.autocommit = True
        try:
            yield conn
        finally:
            with suppress(psycopg.Error):  # a broken connection is thrown away by the pool
                conn.autocommit = False


def _caller(
    request: Request,
    scopes: SecurityScopes,
    credentials: Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)],
) -> Caller:
    pool: Pool = request.app.state.pool
    clock: Clock = request.app.state.clock
    doors: Doors = request.app.state.doors
    trail: Trail = request.app.state.trail
    address = request.client.host if request.client else ""
    key = None
    if credentials is not None:
        shown = keys.digest(credentials.credentials)
        doors.knock(address, shown)
        with autocommitted(pool) as conn:
            verify = tokens.verify if credentials.credentials.startswith(tokens.MARK) else keys.verify
            key = verify(conn, credentials.credentials, clock.now())
        doors.tell(address, shown, good=key is not None)
    if key is None:
        challenge = 'Bearer realm="headwater"'
        raise RefusedError(
            401,
            "unauthorized",
            "No key, or one that is unknown, expired or revoked.",
            cure="Send `Authorization: Bearer hw_...`; `headwater key create` makes a key.",
            headers={"WWW-Authenticate": challenge + (', error="invalid_token"' if credentials else "")},
        )
    request.state.headers = doors.admit(key.who, key.requests_a_minute)
    request.state.actor, request.state.via = key.actor, key.via
    trail.require_room()
    wanted = scopes.scope_str
    if not key.scopes.issuperset(scopes.scopes):
        raise RefusedError(
            403,
            "forbidden",
            f"This {'token' if key.account_no else 'key'} lacks the scope {wanted}.",
            cure=(
                "A customer's token is made by `POST /v1/me/tokens`, and good for /v1/me alone."
                if key.account_no or wanted == tokens.SCOPE
                else f"Make one with `headwater key create --scopes {wanted}`."
            ),
            headers={
                "WWW-Authenticate": f'Bearer realm="headwater", error="insufficient_scope", scope="{wanted}"'
            },
        )
    if not all(map(key.role_allows, scopes.scopes)):
        raise RefusedError(
            403,
            "forbidden",
            f"{wanted} is not for the role of this key's owner.",
            cure="Operations and administrators see it.",
        )
    if wanted.endswith(":write") and not key.may_write:
        raise RefusedError(403, "forbidden", "The owner of this key may read but not change anything.")
    return Caller(key, pool, clock, trail.coming(request.scope), getattr(request.state, "deed", None))


def needs(scope: KeyScope) -> Any:
    """Return the dependency that admits callers whose key has the scope."""
    return Security(_caller, scopes=[scope])


customer: Any = Security(_caller, scopes=[tokens.SCOPE])
"""The dependency that admits customers by their token, and nobody else."""
