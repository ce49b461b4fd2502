"""Post to addresses that people named, and never into our own network.

A name is looked up for every post and the connection goes to the very number that was looked at, so a name
that answers differently a second time gains nothing; the certificate must still be in the name.
"""

import socket
from collections.abc import Callable, Mapping
from urllib.parse import SplitResult, urlsplit, urlunsplit

import httpx2

from core.errors import BadDataError
from notify.channels import Receipt, Result
from notify.channels.post import client, post
from service import addresses

Lookup = Callable[[str, int], list[str]]


def look_up(host: str, port: int) -> list[str]:
    """Return the numbers of a host."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(where[0]) for *_, where in found))


class Guard:
    """Says where may be posted to, and posts; with `private_too` anywhere, for development."""

    def __init__(self, *, private_too: bool, look_up: Lookup = look_up) -> None:
        self._private_too = private_too
        self._look_up = look_up
        self._clients: dict[str, httpx2.Client] = {}

    def post(self, url: str, body: bytes, headers: Mapping[str, str]) -> httpx2.Response | Receipt:
        """Post to the number that was looked at, or say why not."""
        try:
            url, host, name = self.pinned(url)
        except BadDataError as problem:
            return Receipt(Result.REFUSED, problem.message)
        except OSError as problem:
            return Receipt(Result.AWAY, f"the name can't be looked up: {problem}")
        return post(self._clients.setdefault(name, client()), url, body, {**headers, "Host": host}, name)

    def pinned(self, url: str) -> tuple[str, str, str]:
        """Return the address with a number for the name, what the header Host says, and the name.

        BadDataError for one that may not be posted to, OSError where its name can't be looked up.
        """
        parts, name, found = self._found(url)
        number = f"[{found[0]}]" if ":" in found[0] else found[0]
        where = number if parts.port is None else f"{number}:{parts.port}"
        return urlunsplit(parts._replace(netloc=where)), parts.netloc, name

    def refused(self, url: str) -> Receipt | None:
        """Say why an address may not be posted to; None where it may, or only a proxy knows its name."""
        try:
            self._found(url)
        except BadDataError as problem:
            return Receipt(Result.REFUSED, problem.message)
        except OSError:
            return None
        return None

    def idle(self) -> None:
        """Close the connections: receivers are many, and each has a client of its own."""
        for one in self._clients.values():
            one.close()
        self._clients.clear()

    def _found(self, url: str) -> tuple[SplitResult, str, list[str]]:
        parts = urlsplit(addresses.check(url, private_too=self._private_too))
        name = parts.hostname or ""
        found = self._look_up(name, parts.port or (443 if parts.scheme == "https" else 80))
        usable = [number for number in found if self._private_too or addresses.public(number)]
        if len(usable) < len(found) or not usable:
            raise BadDataError(f"{name} leads into a private network: not posted.")
        return parts, name, usable
