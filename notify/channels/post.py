"""Post to a web server once, and read its answer as far as HTTP goes."""

import json
from collections.abc import Mapping
from typing import Any

import httpx2

from notify.channels import Receipt, Result

TIMEOUT_S = 10.0
EXCERPT = 500
_RETRIED = (408, 425, 429)


def client() -> httpx2.Client:
    """Return a client that keeps its connections and follows no redirect."""
    return httpx2.Client(timeout=TIMEOUT_S, follow_redirects=False)


def post(
    sending: httpx2.Client,
    url: str,
    body: bytes,
    headers: Mapping[str, str] | None = None,
    name: str | None = None,
) -> httpx2.Response | Receipt:
    """Post JSON; return the answer, or a receipt where there was none. The address is in no receipt.

    `name` is that of a server whose number the address has: its certificate must be in this name.
    """
    named = {"Content-Type": "application/json; charset=utf-8", "User-Agent": "Headwater", **(headers or {})}
    try:
        return sending.post(
            url, content=body, headers=named, extensions={} if name is None else {"sni_hostname": name}
        )
    except (httpx2.InvalidURL, httpx2.UnsupportedProtocol) as problem:
        return Receipt(Result.REFUSED, f"{type(problem).__name__}: the address is none that can be posted to")
    except (httpx2.ReadError, httpx2.ReadTimeout, httpx2.RemoteProtocolError) as problem:
        return Receipt(Result.UNANSWERED, f"no answer: {type(problem).__name__}: {problem}")
    except httpx2.HTTPError as problem:
        return Receipt(Result.AWAY, f"{type(problem).__name__}: {problem}")


def by_status(answer: httpx2.Response) -> Receipt:
    """Read the status alone: 2xx is a receipt, 408, 425, 429 and 5xx are for now, the rest is for good."""
    text = f"HTTP {answer.status_code} {answer.reason_phrase}: {answer.text[:EXCERPT]}".strip(": ")
    if answer.is_success:
        return Receipt(Result.SENT, text)
    if answer.status_code in _RETRIED or answer.is_server_error:
        return Receipt(Result.RETRY, text, retry_after_s(answer.headers.get("Retry-After")))
    return Receipt(Result.REFUSED, text)


def document(answer: httpx2.Response) -> dict[str, Any] | None:
    """Return the JSON object of the answer, None where it is none."""
    try:
        found = json.loads(answer.content)
    except ValueError:
        return None
    return found if isinstance(found, dict) else None


def retry_after_s(value: str | None) -> float | None:
    """Read a header's seconds, an hour at most; its other form, a date, is left to our own back-off."""
    return min(float(value), 3_600.0) if value is not None and value.isdecimal() else None
