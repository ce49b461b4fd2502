"""What the OpenAPI document says of what every operation does, in one place."""

from collections.abc import Iterable
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
NOT_MODIFIED = {"description": "You have it already; there is no body."}
ETAG = {
    "description": "Of this answer; begins with the version of what has one.",
    "schema": {"type": "string"},
}


def complete(document: dict[str, Any], routes: Iterable[object]) -> None:
    """Add what `api.operation` does to every operation of the document."""
    for route in routes:
        if isinstance(route, Operation) and route.include_in_schema and route.path_format.startswith("/v1/"):
            for method in route.methods or ():
                _complete(document["paths"][route.path_format][method.lower()], route)


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
    if not given:
        del operation["parameters"]
    operation["responses"] = dict(sorted(answers.items()))
