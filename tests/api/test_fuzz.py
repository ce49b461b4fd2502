"""Whatever is sent, nothing breaks: every answer is one that the document names."""

import json
import string
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from starlette.testclient import TestClient

from api import page, tokens

ODD = [
    *[
        "",
        "0",
        "-1",
        "1e400",
        "NaN",
        "inf",
        "true",
        "null",
        "9223372036854775808",
        "\x00",
        "%",
        "'",
        "\ufeff",
        "🚰",
    ],
    *["2026-11-21", "2026-11-21T08:00:00Z", "0001-01-01", "9999-12-31T23:59:59Z", "infinity"],
    *["csv", "json", "daily", "open", "leak"],
    page.encode("events", ("2026-11-21T08:00:00Z", 1)),
    page.encode("events", ("0001-01-01T00:00:00Z", -1)),
    page.encode("events", ("2026-11-21T08:00:00Z", 10**30)),
    page.encode("readings", ("2026-11-21T08:00:00Z",)),
    page.encode("readings", ("9999-12-31T23:59:59-12:00",)),
    page.encode("customers", ("A1",)),
    page.encode("customers", ("\x00",)),
    page.encode("tickets", ("infinity", 1)),
]
VALUES = st.one_of(st.sampled_from(ODD), st.text(max_size=30), st.integers().map(str))
TAGS = st.one_of(
    st.sampled_from([b"*", b'"1"', b'"2", "3"', b'W/"1"', b'"1.0a-gzip"', b'"99999999999"', b""]),
    st.binary(max_size=20).map(lambda b: bytes(c for c in b if c >= 0x21)),
)
JSON: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)
BODIES = st.one_of(
    JSON,
    st.dictionaries(
        st.sampled_from(["why", "cause", "x", "field", "value", "account_no", "items", "satisfied"]),
        st.text(max_size=20) | JSON,
        max_size=3,
    ),
)


@pytest.fixture
def document(all_seeing: TestClient) -> dict[str, Any]:
    found: dict[str, Any] = all_seeing.get("/openapi.json").json()
    return found


def test_no_request_breaks_anything_and_every_answer_is_documented(
    all_seeing: TestClient, document: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Customers' own operations are asked with a customer's token."""
    issued = all_seeing.post("/v1/me/tokens", json={"account_no": "A1"}).json()["token"]
    customer = TestClient(all_seeing.app, headers={"Authorization": f"Bearer {issued}"})
    monkeypatch.setattr(tokens, "REQUESTS_A_MINUTE", 100_000)
    operations = [
        (method, path, operation)
        for path, item in document["paths"].items()
        for method, operation in item.items()
    ]

    @settings(
        max_examples=400,
        deadline=None,
        derandomize=True,
        suppress_health_check=[HealthCheck.too_slow],
        database=None,
    )
    @given(st.data())
    def run(data: st.DataObject) -> None:
        method, path, operation = data.draw(st.sampled_from(operations))
        own = operation.get("security") == [{"key": [tokens.SCOPE]}]
        client = customer if own else all_seeing
        query: dict[str, str] = {}
        headers: dict[str, bytes] = {}
        address = path
        for parameter in operation.get("parameters", ()):
            if parameter["in"] == "path":
                known = st.sampled_from(["A1", "M-A", "1", "2"])
                value = data.draw(st.one_of(known, VALUES.filter(lambda v: v not in {"", ".", ".."})))
                address = address.replace(
                    "{" + parameter["name"] + "}", quote(value, safe="", errors="replace")
                )
            elif parameter["in"] == "header":
                if data.draw(st.integers(0, 3)) == 0:
                    headers[parameter["name"]] = data.draw(TAGS)
            elif data.draw(st.integers(0, 3)) == 0:
                query[parameter["name"]] = data.draw(VALUES)
        body = data.draw(BODIES) if "requestBody" in operation else None
        query = {name: value.encode("utf-8", "replace").decode() for name, value in query.items()}
        answer = client.request(
            method,
            address,
            params=query,
            content=None if body is None else json.dumps(body).encode(),
            headers=headers | ({"content-type": b"application/json"} if body is not None else {}),
        )
        assert answer.status_code < 500, answer.text
        assert str(answer.status_code) in operation["responses"], (method, answer.url, answer.text)
        if answer.status_code == 304:
            assert not answer.content
            return
        media = answer.headers["content-type"].split(";")[0]
        assert media in operation["responses"][str(answer.status_code)]["content"]

    run()


def test_cursors_of_any_kind_are_followed_or_refused(all_seeing: TestClient) -> None:
    letters = string.ascii_letters + string.digits + "-_=+/ \x00é"

    @settings(max_examples=150, deadline=None, derandomize=True, database=None)
    @given(st.text(alphabet=letters, max_size=60))
    def run(cursor: str) -> None:
        for path in ["/v1/customers", "/v1/events"]:
            assert all_seeing.get(path, params={"cursor": cursor}).status_code in {200, 422}

    run()
