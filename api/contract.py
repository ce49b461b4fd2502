"""What the OpenAPI document says of what every operation does, in one place."""

from collections.abc import Iterable, Mapping
from typing import Any

from api.answers import failures
from api.operation import Operation

Part = dict[str, Any]
TAG = '"7.c2f0a1d4e5b697880123"'


def _header(name: str, text: str, example: str) -> Part:
    return {
        "name": name,
        "in": "header",
        "required": False,
        "description": text,
        "schema": {"type": "string"},
        "example": example,
    }


FIELDS: Part = {
    "name": "fields",
    "in": "query",
    "required": False,
    "description": "Of the answer, or of each item of a list, only these: `a,b.c`. Of JSON only.",
    "schema": {"type": "string", "minLength": 1},
}
IF_NONE_MATCH = _header("If-None-Match", "The ETag of the answer you have: 304 if it is the same.", TAG)
IF_MATCH = _header("If-Match", "The ETag or version that you saw, like `version`: 412 if it moved on.", TAG)
IDEMPOTENCY_KEY = _header(
    "Idempotency-Key",
    "A name of your own for this deed: asked again with it within 24 hours, it is answered as the first time"
    " and not done again (the header `Idempotency-Replayed` says so).",
    "8e03978e-40d5-43dd-bc93-6894a57f9324",
)
REPLAYED = {"description": "`true` where the deed was done before.", "schema": {"type": "string"}}
RATE = {
    "RateLimit": {"description": 'What is left: `"key";r=5999;t=1`.', "schema": {"type": "string"}},
    "RateLimit-Policy": {
        "description": 'Requests in how many seconds: `"key";q=6000;w=60`.',
        "schema": {"type": "string"},
    },
}
NOT_MODIFIED = {"description": "You have it already; there is no body."}
ETAG = {
    "description": "Of this answer; begins with the version of what has one.",
    "schema": {"type": "string"},
}


def complete(document: dict[str, Any], routes: Iterable[object]) -> None:
    """Add what `api.operation` and `api.auth` do to every operation of the document."""
    for route in routes:
        if isinstance(route, Operation) and route.include_in_schema:
            for method in route.methods or ():
                operation = document["paths"][route.path_format][method.lower()]
                if route.path_format.startswith("/v1/"):
                    _complete(operation, route)
                if "security" in operation:
                    _limited(operation["responses"])


def named_apart(document: Part) -> Part:
    """Return the document in which models of one name are told apart by their noun, in their titles too.

    FastAPI names them by their module (`api__customers__schemas__Change`) and leaves the titles alike, by
    which generated clients name their classes.
    """
    schemas = document["components"]["schemas"]
    names = {name: _apart(name) for name in schemas if "__" in name}

    def renamed(part: Any) -> Any:
        if isinstance(part, dict):
            return {
                key: _at(value, names) if key == "$ref" else renamed(value) for key, value in part.items()
            }
        return [renamed(value) for value in part] if isinstance(part, list) else part

    document["paths"] = renamed(document["paths"])
    document["components"]["schemas"] = {
        names.get(name, name): renamed(schema) | ({"title": names[name]} if name in names else {})
        for name, schema in schemas.items()
    }
    return document


def _apart(name: str) -> str:
    """Return `CustomersChange` for `api__customers__schemas__Change`."""
    _, room, *rest = (part for part in name.split("__") if part not in {"schemas", "bodies", "endpoints"})
    noun, own = (
        "".join(word[:1].upper() + word[1:] for word in text.split("_")) for text in (room, "_".join(rest))
    )
    return own if own.startswith(noun) else noun + own


def _at(ref: str, names: Mapping[str, str]) -> str:
    where, _, name = ref.rpartition("/")
    return f"{where}/{names.get(name, name)}"


def _complete(operation: Part, route: Operation) -> None:
    given, answers = operation.setdefault("parameters", []), operation["responses"]
    endless = "text/event-stream" in answers.get("200", {}).get("content", {})
    if route.methods == {"GET"} and not endless:
        given += [FIELDS] * route.narrowable + [IF_NONE_MATCH]
        answers["200"].setdefault("headers", {})["ETag"] = ETAG
        answers["304"] = NOT_MODIFIED
    elif route.takes_version:
        given.append(IF_MATCH)
        answers |= {str(status): answer for status, answer in failures(412).items()}
    if route.performs:
        given.append(IDEMPOTENCY_KEY)
        good = str(route.status_code or 200)
        answers[good].setdefault("headers", {})["Idempotency-Replayed"] = REPLAYED
    if not given:
        del operation["parameters"]
    operation["responses"] = dict(sorted(answers.items()))


def _limited(answers: Part) -> None:
    answers |= {str(status): answer for status, answer in failures(429).items()}
    for answer in answers.values():
        answer.setdefault("headers", {}).update(RATE)
