"""The API over a real socket: it answers, streams, finishes what it began, and frees its address."""

import socket

import pytest

from api.serve import listen
from core.errors import SettingsError
from tests.api.serving import Served


def test_it_answers_over_loopback(served: Served) -> None:
    assert served.client.get("/healthz").json() == {"status": "ok"}
    assert served.client.get("/readyz").json() == {"status": "ok"}
    assert served.client.get("/v1/customers/A1").json()["use"]["this_month_m3"] == 4.8
    text = served.client.get("/v1/meters/M-A/readings", headers={"Accept": "text/csv"})
    assert len(text.text.splitlines()) == 193
    assert "server" not in text.headers


def test_it_stops_when_told_and_frees_its_address(served: Served) -> None:
    assert served.client.get("/healthz").status_code == 200
    served.stopping.set()
    served.thread.join(15)
    assert not served.thread.is_alive()
    with socket.socket() as knock:
        assert knock.connect_ex(("127.0.0.1", served.port)) != 0


def test_what_is_not_http_does_no_harm(served: Served) -> None:
    for noise in [
        b"\x00" * 100,
        b"GET / HTTP/1.1\r\nHost: x\r\n" + b"a: b\r\n" * 20_000,
        b"GET \xff HTTP/1.1\r\n\r\n",
    ]:
        with socket.create_connection(("127.0.0.1", served.port), timeout=10) as raw:
            raw.sendall(noise)
            assert raw.recv(100).startswith(b"HTTP/1.1 4")
    assert served.client.get("/healthz").status_code == 200


def test_an_address_that_is_taken_is_refused_with_the_cure(served: Served) -> None:
    with pytest.raises(SettingsError, match="HEADWATER_API_PORT"):
        listen("127.0.0.1", served.port)
