"""Serial to id of every registered meter: a cache of the table `meter`."""

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from sql.pool import Connection
from sql.query import Queries

Q = Queries("ingest")


class Meters:
    """The registered meters; a refresh replaces them as a whole, so that readers need no lock."""

    def __init__(self) -> None:
        self._ids: dict[str, int] = {}
        self.intervals_s: dict[int, int] = {}

    def __len__(self) -> int:
        return len(self._ids)

    def refresh(self, conn: Connection) -> None:
        """Read all meters anew."""
        rows = conn.execute(Q["all_meters"]).fetchall()
        self.intervals_s = {id_: interval_s for id_, _, interval_s in rows}
        self._ids = {serial: id_ for id_, serial, _ in rows}

    def find_new(self, conn: Connection, serials: Sequence[str]) -> None:
        """Look up those of `serials` that aren't known: a meter works as soon as it is registered.

        One query a batch at most, whatever the meters call themselves.
        """
        unknown = {s for s in serials if s and s not in self._ids and "\0" not in s}
        if not unknown:
            return
        for id_, serial, interval_s in conn.execute(Q["some_meters"], {"serials": list(unknown)}):
            self.intervals_s[id_] = interval_s
            self._ids[serial] = id_

    def ids(self, serials: Sequence[str]) -> NDArray[np.int32]:
        """Return the id of each serial, -1 where there is none."""
        get: Callable[[str, int], int] = self._ids.get
        return np.array([get(serial, -1) for serial in serials], np.int32)
