"""Which codec reads which topic, and which meter the topic names."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from core.errors import SettingsError
from ingest.codecs import CODECS, Codec

_SETTING = "HEADWATER_INGEST_TOPICS"


@dataclass(frozen=True)
class Route:
    """A subscription: its topic filter as the broker gets it, what it matches, and the codec."""

    subscription: str
    pattern: re.Pattern[str]
    codec: Codec


class Routes:
    """The configured subscriptions.

    Raises SettingsError when a filter is none, names no meter, or goes to an unknown codec.
    """

    def __init__(self, topics: Mapping[str, str]) -> None:
        if not topics:
            raise SettingsError(f"{_SETTING} is empty.", cure='Set it to {"meters/+/readings": "native"}.')
        self.routes = [_route(topic_filter, codec) for topic_filter, codec in topics.items()]

    def find(self, topic: str) -> tuple[Codec, str] | None:
        """Return the codec of `topic` and the serial of its meter; None when no subscription fits."""
        for route in self.routes:
            match = route.pattern.fullmatch(topic)
            if match:
                return route.codec, match[1]
        return None


def _route(topic_filter: str, codec: str) -> Route:
    if codec not in CODECS:
        raise SettingsError(
            f"{_SETTING}: {topic_filter!r} goes to the codec {codec!r}, which isn't there.",
            cure=f"There are: {', '.join(sorted(CODECS))}.",
        )
    levels = topic_filter.split("/")
    if levels[0] == "$share":
        levels = levels[2:]
    if not levels or any(("+" in x or "#" in x) and len(x) > 1 for x in levels) or "#" in levels[:-1]:
        raise SettingsError(
            f"{_SETTING}: {topic_filter!r} is no MQTT topic filter.",
            cure="`+` stands for a whole level, `#` for all the last ones.",
        )
    if "+" not in levels:
        raise SettingsError(
            f"{_SETTING}: {topic_filter!r} doesn't say where the meter's serial stands.",
            cure="Put `+` in its place, as in meters/+/readings.",
        )
    meter = levels.index("+")
    kinds = {"+": "[^/]*", "#": ".*"}
    parts = ["([^/]+)" if i == meter else kinds.get(x, re.escape(x)) for i, x in enumerate(levels)]
    # `a/#` is `a` as well.
    pattern = re.sub(r"/\.\*$", "(?:/.*)?", "/".join(parts))
    return Route(topic_filter, re.compile(pattern, re.DOTALL), CODECS[codec])
