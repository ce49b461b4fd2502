"""What people bring to the desk, and which findings each may be about."""

TOPICS = ("leak", "no_water", "low_pressure", "quality", "bill", "meter", "service", "other")
GROUPS: dict[str, frozenset[str]] = {
    "leak": frozenset({"leak", "network"}),
    "no_water": frozenset({"network", "pressure"}),
    "low_pressure": frozenset({"network", "pressure"}),
    "meter": frozenset({"device"}),
}
"""The groups of findings that a complaint of the topic is one with."""
SUPPLY = frozenset({"leak", "no_water", "low_pressure", "quality"})
"""Topics that are about the water itself: whose it is decides how pressing they are."""
ALONE = frozenset({"service", "other"})
"""Topics of which two complaints are two matters."""

# What tells the topic of a letter, the clearest first.
_WORDS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("no_water", ("没水", "停水", "无水", "断水", "no water", "without water", "water is off")),
    ("low_pressure", ("水压", "水小", "水流小", "pressure", "trickle")),
    ("leak", ("漏水", "渗水", "爆管", "冒水", "leak", "burst", "dripping")),
    ("quality", ("水质", "浑", "发黄", "异味", "氯味", "discolo", "cloudy", "brown water", "smell", "taste")),
    ("bill", ("水费", "账单", "缴费", "扣费", "退费", "bill", "invoice", "charge", "payment")),
    ("meter", ("水表", "读数", "抄表", "换表", "meter", "reading")),
)


def of_groups(group: str) -> list[str]:
    """Return the topics of complaints that a finding of this group may explain."""
    return [topic for topic, groups in GROUPS.items() if group in groups]


def guess(*texts: str) -> str:
    """Return the topic that the words of a letter point to, the first text before the next; else other."""
    for text in texts:
        folded = text.lower()
        for topic, words in _WORDS:
            if any(word in folded for word in words):
                return topic
    return "other"
