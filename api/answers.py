"""What the OpenAPI document says of an operation's answers, with an example of each."""

from collections.abc import Iterable
from typing import Any

from fastapi.routing import APIRoute
from pydantic import BaseModel

from api.problem import MEDIA_TYPE, TITLES, Problem

_CASES: dict[int, tuple[str, str, str, str]] = {
    401: (
        "No valid key.",
        "unauthorized",
        "No key, or one that is unknown, expired or revoked.",
        "Send `Authorization: Bearer hw_...`; `headwater key create` makes a key.",
    ),
    403: (
        "The key lacks the scope.",
        "forbidden",
        "This key lacks the scope events:read.",
        "Make one with `headwater key create --scopes events:read`.",
    ),
    404: ("It isn't there, or isn't yours to see.", "not_found", "No ticket 4711.", ""),
    406: ("It can't be had in that form.", "not_acceptable", "It comes as application/json or text/csv.", ""),
    409: (
        "It is no longer in the state that the request assumes.",
        "conflict",
        "Ticket 17 is resolved.",
        "Look at its entries, and ask again if you still mean it.",
    ),
    412: (
        "It has another version than If-Match says.",
        "precondition_failed",
        "Ticket 17 has changed since you looked at it (version 2, now 3).",
        "Allowed now: resolve, pause, priority, merge, undo.",
    ),
    413: ("The body is too long.", "content_too_large", "Content Too Large.", ""),
    415: ("The body isn't JSON.", "unsupported_media_type", "Unsupported Media Type.", ""),
    422: ("A value can't be taken.", "bad_data", "The request can't be taken as it is.", ""),
    429: (
        "Too many requests.",
        "too_many_requests",
        "This key has used up its 6000 requests in 60 s.",
        "Wait 1 s; `headwater key limit` gives a key more.",
    ),
    500: ("A bug.", "internal", "Something is broken on our side.", "Tell us the request id."),
    503: (
        "The database is away or busy.",
        "unavailable",
        "The database is away or busy.",
        "Try again in 5 s.",
    ),
}
Responses = dict[int | str, dict[str, Any]]


def failures(*statuses: int) -> Responses:
    """Return the documented problems of an operation."""
    answers: Responses = {}
    for status in statuses:
        description, code, detail, cure = _CASES[status]
        errors = []
        if status == 422:
            errors = [
                {"in": "query", "pointer": "#/limit", "detail": "Input should be less than or equal to 200"}
            ]
        example = {
            "type": f"urn:headwater:problem:{code}",
            "title": TITLES[status],
            "status": status,
            "detail": detail,
            "code": code,
            "cure": cure,
            "request_id": "5f2d6c0f2b0a4f0e8f0a5d9b7c1e3a42",
            "errors": errors,
        }
        answers[status] = {
            "description": description,
            "content": {MEDIA_TYPE: {"schema": _PROBLEM, "example": example}},
        }
        if status in {429, 503}:
            answers[status]["headers"] = {
                "Retry-After": {"description": "Seconds to wait.", "schema": {"type": "integer"}}
            }
    return answers


_PROBLEM = {"$ref": f"#/components/schemas/{Problem.__name__}"}


def answers(example: Any, *statuses: int, status: int = 200, paged: bool = False) -> Responses:
    """Return the responses of a guarded operation: its good answer's example, and its problems.

    Every one may answer 401, 403, 422, 500 and 503; `statuses` are those it has beside them.
    """
    good: dict[str, Any] = {"description": "As asked.", "content": {"application/json": {"example": example}}}
    if paged:
        good["headers"] = {
            "Link": {"description": 'The next page: `<...>; rel="next"`.', "schema": {"type": "string"}}
        }
    return {status: good, **failures(*sorted({401, 403, 422, 500, 503, *statuses}))}


def also_csv(documented: Responses, example: str) -> Responses:
    """Return the responses of an operation whose good answer also comes as CSV."""
    documented[200]["content"]["text/csv"] = {"schema": {"type": "string"}, "example": example}
    return documented


def restore_examples(document: dict[str, Any], routes: Iterable[object]) -> None:
    """Put the examples back into the document as they are: making it drops every null in them."""
    for route in routes:
        if not isinstance(route, APIRoute) or not route.include_in_schema:
            continue
        for method in route.methods or ():
            documented = document["paths"][route.path_format][method.lower()]["responses"]
            for status, answer in route.responses.items():
                for media, content in answer["content"].items():
                    documented[str(status)]["content"][media]["example"] = content["example"]


def page_of(item: dict[str, Any], path: str) -> dict[str, Any]:
    """Return the example of a page that holds `item`."""
    return {"items": [item], "next": f"{path}?cursor=WyJ4IiwxXQ"}


def component(model: type[BaseModel]) -> dict[str, Any]:
    """Return the schema of a model that no operation names by itself."""
    return model.model_json_schema(ref_template="#/components/schemas/{model}")
