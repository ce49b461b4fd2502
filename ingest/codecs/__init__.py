"""Conventions of payloads, one a file.

A codec turns one message into readings. A new one is a file here with a class of these methods, a line in
`CODECS` and golden cases in tests/data/<convention>/<case>/.
"""

from collections.abc import Mapping, Sequence
from typing import Protocol

from ingest.codecs.native import Native
from ingest.draft import Draft


class Codec(Protocol):
    """Knows one convention."""

    def decode(self, meter: str, payload: bytes, draft: Draft) -> None:
        """Add the readings of a payload to `draft`, and refuse what can't be understood of it.

        `meter` is the serial that the topic names. Raises RefusedError when nothing can be taken.
        """
        ...

    def excerpt(self, payload: bytes, positions: Sequence[int]) -> bytes:
        """Return a payload of this convention with only the readings at `positions`, or all of it."""
        ...


CODECS: Mapping[str, Codec] = {"native": Native()}
