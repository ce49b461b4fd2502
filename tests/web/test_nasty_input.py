"""Whatever stands in a text field, every page answers, and shows it as text."""

from collections.abc import Iterator
from html.parser import HTMLParser

import pytest
from starlette.testclient import TestClient

from sql.pool import Connection
from tests.api.town import Town
from tests.web.conftest import SignedIn

SCRIPT = "<script>alert('x')</script><img src=x onerror=alert(1)>\"'&amp;{{7*7}}"
MARK = "alert("
NASTY = [
    SCRIPT,
    SCRIPT + "漏" * 10_000,
    "👨‍👩‍👧‍👦🚰🏳️‍🌈" + SCRIPT,
    "\u202eمرحبا بالعالم\u202c שלום " + SCRIPT,
    "-->]]></style></textarea></title>" + SCRIPT,
]
TEXTS: dict[str, tuple[str, ...]] = {
    "customer": ("name", "address", "phone", "email", "shifts", "category", "tariff"),
    "ticket": ("subject", "said", "cause", "wait_reason"),
    "ticket_entry": ("why",),
    "event_entry": ("why",),
    "customer_change": ("why",),
    "service_point": ("address",),
    "dma": ("name",),
    "outage": ("reason", "contact"),
    "outage_entry": ("why",),
    "visit": ("notes", "discussed", "why"),
    "contact_check": ("why",),
    "staff": ("name", "phone"),
    "crew": ("name",),
    "region": ("name",),
    "utility": ("name",),
    "detector_policy": ("why",),
    "outbox": ("last_error", "recipient"),
    "delivery": ("receipt",),
    "job_run": ("error",),
    "survey": ("remark",),
    "water_plan": ("why",),
}


MOST = {("survey", "remark"): 2_000}
"""What the database lets nobody write more of."""


class Tags(HTMLParser):
    """Every element of a page, and every attribute of one."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.bad: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        named = dict(attrs)
        if any(name.startswith("on") and name != "on" for name in named):
            self.bad.append(f"<{tag} {named}>")
        if tag == "script" and not (named.get("src") or named.get("type") in {"application/json"}):
            self.bad.append(f"<script {named}>")
        if tag == "img" and named.get("src") == "x":
            self.bad.append("<img src=x>")


@pytest.fixture
def walls(owner: Connection) -> Iterator[list[tuple[str, str]]]:
    """The columns of text that there are, of those named."""
    found = owner.execute(
        "select table_name, column_name from information_schema.columns"
        " where table_schema = 'public' and data_type = 'text'"
    ).fetchall()
    yield [(table, column) for table, column in found if column in TEXTS.get(table, ())]


@pytest.mark.parametrize("nasty", NASTY, ids=["script", "long", "emoji", "rtl", "closing"])
def test_every_page_survives_what_people_write(
    signed_in: SignedIn, owner: Connection, addresses: list[str], walls: list[tuple[str, str]], nasty: str
) -> None:
    """In every text field at once; as who sees everything, in both languages."""
    assert {
        ("customer", "name"),
        ("ticket", "subject"),
        ("ticket_entry", "why"),
        ("outage", "reason"),
    } <= set(walls)
    for table, column in walls:
        with owner.transaction():
            owner.execute("set local session_replication_role = replica")  # histories take no change
            set_ = f"update {table} set {column} = left(%s, %s)"  # noqa: S608 - names of ours
            owner.execute(set_, [nasty, MOST.get((table, column), len(nasty))])
    shown = 0
    for language in ("zh", "en"):
        client = signed_in("ada", language)
        for address in addresses:
            answer = client.get(address)
            assert answer.status_code < 500, (address, answer.text[:500])
            if "text/html" in answer.headers.get("content-type", ""):
                assert Tags(answer.text).bad == [], (address, language)
                shown += MARK in answer.text
    assert shown >= 2 * 6, "the pages show hardly any of it"


def test_what_is_typed_comes_back_as_text_or_is_refused(
    signed_in: SignedIn, town: Town, owner: Connection
) -> None:
    """New tickets, notes, outages, corrections of a customer: by form, with each of them."""
    client: TestClient = signed_in("ada", "en")
    ticket = town.anna.ticket_id
    forms: list[tuple[str, dict[str, str]]] = [
        (
            "/tickets/new",
            {"source": "hotline", "topic": "leak", "account_no": "A1", "subject": "", "text": ""},
        ),
        (f"/tickets/{ticket}/notes", {"why": ""}),
        ("/customers/A1/edit", {"name": "", "why": "", "phone": "", "address": ""}),
        ("/outages", {"reason": "", "contact": "", "kind": "unplanned", "dmas": "D1", "accounts": ""}),
        ("/settings/policies", {"why": "", "detector": "", "scope": "", "scope_key": ""}),
        ("/login", {"login": "", "password": ""}),
    ]
    for nasty in NASTY:
        for address, fields in forms:
            answer = client.post(address, data={name: value or nasty for name, value in fields.items()})
            assert answer.status_code < 500, (address, answer.text[:500])
            if "text/html" in answer.headers.get("content-type", ""):
                assert Tags(answer.text).bad == [], address
    assert Tags(client.get(f"/tickets/{ticket}").text).bad == []


def test_a_null_character_is_refused_wherever_it_stands(
    signed_in: SignedIn, browser: TestClient, town: Town
) -> None:
    anna = signed_in("anna")
    for path in ("/customers?q=%00", "/tickets?q=a%00b", "/customers/%00", "/?cursor=%00", "/status/%00"):
        assert anna.get(path).status_code == 422, path
    assert browser.post("/login", data={"login": "\x00", "password": "x"}).status_code == 422
    assert browser.post("/login", data={"login": "anna", "password": "\x00"}).status_code == 422
    url = f"/tickets/{town.anna.ticket_id}/notes"
    assert anna.post(url, data={"why": "a\x00b"}).status_code == 422
