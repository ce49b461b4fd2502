"""Finding a customer among 1,000,000 by name, number, phone, address or meter, misspelt or not."""

import random
import time
from collections.abc import Callable, Iterator
from statistics import median

from bench.measure import Result
from bench.people import GIVEN, Person, people
from jobs.stack import stack_session
from service.search import search
from sql.migrate import migrate
from sql.pool import Connection, connect
from tests.databases import fresh_database

NAME = "service_search"
CUSTOMERS = 1_000_000
MANAGERS = 50
ASKED = 2_000
BAR_MS = 50.0
RECALL = 0.9
INDEXES = "select indexname, indexdef from pg_indexes where indexname ~ '^(customer|meter)_search_'"


def run() -> Iterator[Result]:
    """Yield p99 and p50 of the answer times in ms, and how many misspelt names are among the first ten."""
    with stack_session() as stack, fresh_database(stack.database_url) as url:
        migrate(url)
        with connect(url, "owner", autocommit=True) as conn:
            known = fill(conn, CUSTOMERS)
        with connect(url, "api", autocommit=True) as conn:
            yield from measure(conn, known)


def fill(conn: Connection, count: int) -> list[Person]:
    """Load the customers with their meters; return a sample of them. The indexes are made afterwards."""
    indexes = conn.execute(INDEXES).fetchall()
    for name, _ in indexes:
        conn.execute(f"drop index {name}")
    conn.execute(
        "insert into staff (login, name) select 'm' || n, n from generate_series(1, %s) n", [MANAGERS]
    )
    known = []
    columns = "account_no, name, address, phone, email, manager_id"
    with conn.cursor() as cursor, cursor.copy(f"copy customer ({columns}) from stdin") as copy:
        for n, one in enumerate(people(count)):
            copy.write_row((one.account_no, one.name, one.address, one.phone, one.email, n % MANAGERS + 1))
            if n % (count // 5_000) == 0:
                known.append(one)
    conn.execute(
        "insert into meter (serial) select 'JC' || lpad((n::bigint * 13 % 100000000)::text, 8, '0')"
        " from generate_series(0, %s - 1) n".replace("% 1", "%% 1"),
        [count],
    )
    conn.execute("insert into service_point (code, account_no) select account_no, account_no from customer")
    conn.execute(
        "insert into meter_installation (meter_id, service_point_id)"
        " select m.id, p.id from meter m join service_point p on p.id = m.id"
    )
    conn.execute("set maintenance_work_mem = '512MB'")
    for _, definition in indexes:
        conn.execute(definition)
    conn.execute("vacuum analyze")
    return known


def measure(conn: Connection, known: list[Person]) -> Iterator[Result]:
    """Ask a mixture of everything and time each answer."""
    conn.execute("select set_config('headwater.sees', 'all', false)")
    rng = random.Random(7)  # noqa: S311 - questions, not secrets
    asked = [next_question(rng, known) for _ in range(ASKED)]
    for _, question, _ in asked[:100]:
        search(conn, question)
    took: list[float] = []
    found: list[bool] = []
    for kind, question, meant in asked:
        began = time.perf_counter()
        hits = search(conn, question)
        took.append((time.perf_counter() - began) * 1000)
        if kind.startswith("misspelt"):
            found.append(any(hit["name"] == meant for hit in hits[:10]))
    took.sort()
    p99 = took[int(len(took) * 0.99)]
    yield Result(NAME, round(p99, 1), "ms p99", None, None, ASKED, BAR_MS, p99 < BAR_MS)
    yield Result(f"{NAME}_median", round(median(took), 1), "ms p50", None, None, ASKED, BAR_MS, True)
    recall = sum(found) / len(found)
    yield Result(
        f"{NAME}_misspelt",
        round(recall, 3),
        "in the first ten",
        None,
        None,
        len(found),
        RECALL,
        recall >= RECALL,
    )


def next_question(rng: random.Random, known: list[Person]) -> tuple[str, str, str]:
    """Return what kind of question it is, the question, and the name that is meant."""
    one = rng.choice(known)
    kind = rng.choices(list(KINDS), [weight for weight, _ in KINDS.values()])[0]
    return kind, KINDS[kind][1](rng, one), one.name


def _pinyin(name: str) -> str:
    from sql.hanzi import SURNAMES, readings  # noqa: PLC0415 - read once, when first asked

    if not _READ:
        _READ.update({character: pinyin for character, pinyin, _ in readings()})
    return "".join((SURNAMES if n == 0 else {}).get(c) or _READ.get(c, c) for n, c in enumerate(name)).lower()


_READ: dict[str, str] = {}


def _slip(rng: random.Random, word: str) -> str:
    """Return a word with one letter wrong, missing, twice or swapped, not the first; a short one as it is."""
    if len(word) < 5:
        return word
    at = rng.randrange(1, len(word) - 1)
    return rng.choice(
        [
            word[:at] + rng.choice("aeionstr") + word[at + 1 :],
            word[:at] + word[at + 1 :],
            word[: at + 1] + word[at:],
            word[:at] + word[at + 1] + word[at] + word[at + 2 :],
        ]
    )


def _misspelt(rng: random.Random, one: Person) -> str:
    """Return a name as somebody types it who heard it or slips."""
    if one.name.isascii() or len(one.name.split()) > 1:
        first, *rest = one.name.split()
        return " ".join([_slip(rng, first.lower()), *rest])
    if len(one.name) > 4:  # a firm: one character is another
        at = rng.randrange(len(one.name))
        return one.name[:at] + rng.choice(GIVEN) + one.name[at + 1 :]
    if len(one.name) == 3:
        alike = [c for c in GIVEN if _pinyin("x" + c) == _pinyin("x" + one.name[2]) and c != one.name[2]]
        if alike:
            return one.name[:2] + rng.choice(alike)
    return _slip(rng, _pinyin(one.name))


def _part(rng: random.Random, text: str, length: int) -> str:
    at = rng.randrange(max(1, len(text) - length))
    return text[at : at + length]


KINDS: dict[str, tuple[int, Callable[[random.Random, Person], str]]] = {
    "account": (10, lambda _, p: p.account_no),
    "account begins": (4, lambda _, p: p.account_no[:6]),
    "name": (20, lambda _, p: p.name),
    "name begins": (6, lambda _, p: p.name[:2]),
    "surname": (4, lambda _, p: p.name[0]),
    "part of a name": (4, lambda r, p: _part(r, p.name, 4)),
    "pinyin": (8, lambda _, p: _pinyin(p.name)),
    "pinyin begins": (3, lambda _, p: _pinyin(p.name)[:5]),
    "initials": (3, lambda _, p: "".join(_pinyin(c)[:1] for c in p.name if c != " ")),
    "misspelt": (14, _misspelt),
    "phone": (6, lambda _, p: p.phone),
    "end of phone": (4, lambda _, p: p.phone[-4:]),
    "meter": (4, lambda _, p: p.serial),
    "end of meter": (2, lambda _, p: p.serial[-5:]),
    "address": (4, lambda _, p: p.address),
    "street": (4, lambda _, p: p.address.split("区")[1].split("号")[0]),
    "name and street": (4, lambda _, p: f"{p.name} {p.address.split('区')[1][:3]}"),
    "surname and estate": (2, lambda _, p: f"{p.name[0]} {p.address[-12:-4]}"),
    "nobody": (4, lambda r, _: "".join(r.choice("qxzvkwj") for _ in range(8))),
    "no such name": (2, lambda r, _: "".join(r.choice("魑魅魍魉饕餮鼋鼍") for _ in range(3))),
    "one letter": (2, lambda r, _: r.choice("abcwz1")),
}
