"""docs/api.md names what there is: every request in it is one that the document knows."""

import re
import shlex
from itertools import pairwise
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient
from typer.testing import CliRunner

from api import keys, metrics
from api.problem import TITLES
from jobs.keys import app as command
from service import attachments, contact_claims, signing, surveys, tickets
from sql.pool import Connection
from tests.api.conftest import NOW
from tests.api.town import Town, ticket

PAGE = Path(__file__).parents[2] / "docs" / "api.md"


def commands(program: str) -> list[list[str]]:
    """The command lines of the page that run this program."""
    text = PAGE.read_text("utf-8").replace("\\\n", " ")
    blocks = re.findall(r"```sh\n(.*?)```", text, re.DOTALL)
    lines = [line for block in blocks for line in block.splitlines()]
    return [shlex.split(line) for line in lines if line.startswith(program)]


def test_every_request_of_the_page_is_answered(
    all_seeing: TestClient, app: FastAPI, town: Town, conn: Connection
) -> None:
    """With the names of the tests' town in place of the page's, none is unknown, refused or broken."""
    prefix = keys.create(conn, "billing", ["events:read"], NOW).split("_")[1]
    conn.execute("update api_key set prefix = '1f3a9c02' where prefix = %s", [prefix])
    mail = tickets.note(conn, town.anna.ticket_id, tickets.Entry("mail", "see the photo"), at=NOW)
    photo = attachments.File("photo.jpg", b"\xff\xd8\xff\xe0")
    attachments.keep(conn, town.anna.ticket_id, mail, attachments.sort([photo]).kept)
    asked, claim = _asked(conn), _claim(conn)
    others = {
        "$TOKEN": all_seeing.post("/v1/me/tokens", json={"account_no": "A1"}).json()["token"],
        "$OWN_KEY": keys.create(conn, "anna", ["tickets:write"], NOW, login="anna"),
    }
    named = set()
    for words in commands("curl"):
        (url,) = [word for word in words if word.startswith("http")]
        options = dict(pairwise(words))
        parts = urlsplit(url)
        for name, ours in [
            ("10023417", "A1"),
            ("10023418", "B1"),
            ("JC-00417", "M-A"),
            ("981", "1"),
            ("/22/", f"/{asked}/"),
            ("/7/", f"/{claim}/"),
            ("/17/", "/1/"),
            ("/5", "/1"),
            ("/40", "/2"),
            ("/41", "/3"),
            ("li.wei", "anna"),
            ("/12", "/2"),
            ("north-3", "D1"),
            ("li.wei", "anna"),
            ("chen.jing", "bo"),
        ]:
            parts = parts._replace(path=parts.path.replace(name, ours))
        query = parts.query.replace("dma=north-3", "dma=D1").replace("account_no=10023417", "account_no=A1")
        parts = parts._replace(query=query)
        body = options.get("-d", "")
        for name, ours in [
            ("JC-00417", "M-A"),
            ("10023417", "A1"),
            ("north-3", "D1"),
            ("981", "1"),
            ("li.wei", "anna"),
            ("chen.jing", "bo"),
        ]:
            body = body.replace(name, ours)
        method = options.get("-X", "POST" if "-d" in options else "GET")
        own = next((key for name, key in others.items() if f"Authorization: Bearer {name}" in words), None)
        answer = all_seeing.request(
            method,
            parts.path + "?" * bool(parts.query) + parts.query,
            content=body.encode() or None,
            headers={
                "Content-Type": "application/json",
                **({"Authorization": f"Bearer {own}"} if own else {}),
                "Accept": next((w[8:] for w in words if w.startswith("Accept: ")), "*/*"),
            },
        )
        assert answer.is_success, (url, answer.text)
        assert (own is not None or words.count("Authorization: Bearer $KEY") == 1) == (
            parts.path not in {"/healthz", "/readyz"}
        ), url
        named.add((method, template(parts.path, app)))
    known = {(method.upper(), path) for path, item in app.openapi()["paths"].items() for method in item}
    assert named == known - {("GET", "/v1/meters/{serial}"), ("GET", "/v1/tickets/{id}")}


def _asked(conn: Connection) -> int:
    """Return a ticket of A1's about which an answer is awaited."""
    conn.execute("update customer set email = 'a@home.example' where account_no = 'A1'")
    given = {"state": "resolved", "resolved_at": NOW, "account_no": "A1"}
    asked = ticket(conn, None, NOW, grp="case", **given)
    surveys.on_resolved(conn, asked, at=NOW)
    return asked


def _claim(conn: Connection) -> int:
    """Return a new phone number of A1's that waits for the code on the page."""
    made = contact_claims.make(conn, "A1", "phone", "139 0000 5678", at=NOW)
    mac = signing.mac(conn, "\0".join(("code", "A1", "139 0000 5678", "042917")).encode())
    conn.execute("update contact_claim set code_mac = %s where id = %s", [mac, made.id])
    return made.id


def template(path: str, app: FastAPI) -> str:
    """The path of the document that this one fills in; of several the one with most words of its own."""
    fits = [known for known in app.openapi()["paths"] if re.fullmatch(re.sub(r"{\w+}", "[^/]+", known), path)]
    return min(fits, key=lambda known: known.count("{"), default=path)


def test_every_scope_status_and_metric_is_on_the_page() -> None:
    text = PAGE.read_text("utf-8")
    for scope in keys.SCOPES:
        assert f"| `{scope}` |" in text
    for status in TITLES.keys() - {400, 415}:
        assert f"| {status} |" in text
    for metric in (metrics.REQUESTS, metrics.SECONDS):
        (described,) = metric.describe()
        name = described.name + ("_total" if described.type == "counter" else "")
        assert f"| `{name}` |" in text


def test_keys_are_made_listed_and_revoked_as_the_page_says(
    database_url: str, conn: Connection, town: Town, nobody: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HEADWATER_DATABASE_URL", database_url)
    conn.execute("update staff set login = 'li.wei' where login = 'anna'")
    run = CliRunner()
    made = []
    for words in commands("headwater key create"):
        result = run.invoke(command, words[2:])
        assert result.exit_code == 0, result.output
        made.append(result.stdout.strip())
    answer = nobody.get("/v1/customers", headers={"Authorization": f"Bearer {made[1]}"})
    assert [customer["account_no"] for customer in answer.json()["items"]] == ["A1"]
    listed = run.invoke(command, ["list"], env={"COLUMNS": "200"}).output
    for key in made:
        prefix, secret = key.split("_")[1:]
        assert prefix in listed
        assert secret not in listed
    assert run.invoke(command, ["revoke", made[1].split("_")[1]]).exit_code == 0
    refused = nobody.get("/v1/customers", headers={"Authorization": f"Bearer {made[1]}"})
    assert refused.status_code == 401


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["create", "--name", "x", "--scopes", "everything"], "everything"),
        (["create", "--name", "x", "--scopes", ""], "none"),
        (["create", "--name", " ", "--scopes", "events:read"], "needs a name"),
        (["create", "--name", "x", "--scopes", "events:read", "--staff", "ghost"], "ghost"),
        (["revoke", "00000000"], "00000000"),
    ],
)
def test_a_key_that_can_not_be_made_or_revoked_says_why(
    database_url: str, monkeypatch: pytest.MonkeyPatch, words: list[str], said: str
) -> None:
    monkeypatch.setenv("HEADWATER_DATABASE_URL", database_url)
    result = CliRunner().invoke(command, words)
    assert said in str(result.exception)
