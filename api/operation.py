"""What every operation does beside its own work: sparse fields, entity tags, and a deed only once.

`equip` gives it to the routes of a router, so that no endpoint needs a word of it.
"""

from collections.abc import Callable, Coroutine, Sequence
from functools import wraps
from typing import Any
from urllib.parse import unquote_plus

import msgspec
from fastapi import APIRouter, Request, Response
from fastapi.routing import APIRoute
from pydantic import TypeAdapter
from starlette.types import Message, Receive, Scope

from api import conditional, once, sparse
from api.auth import Caller
from api.problem import refused_value
from core.errors import StaleError

Handler = Callable[[Request], Coroutine[Any, Any, Response]]


class Operation(APIRoute):
    """A route whose answers can be narrowed, compared and repeated."""

    def get_route_handler(self) -> Handler:
        """Return the handler of the route, wrapped."""
        inner = super().get_route_handler()
        if not self.path_format.startswith("/v1/"):
            return inner
        return self._reading(inner) if self.methods == {"GET"} else self._writing(inner)

    @property
    def narrowable(self) -> bool:
        """Whether `fields` may be asked for; an endpoint that takes them itself does so."""
        own = any(
            "fields" in getattr(given.field_info.annotation, "model_fields", ())
            for given in self.dependant.query_params
        )
        return self.methods == {"GET"} and not own and bool(sparse.of_answer(self.response_model))

    @property
    def takes_version(self) -> bool:
        """Whether its body has the version that the sender saw, which If-Match can say too."""
        return self.body_field is not None and conditional.takes_version(
            self.body_field.field_info.annotation
        )

    @property
    def performs(self) -> bool:
        """Whether its deed can be named, to be done once."""
        guarded = self.path_format.startswith("/v1/") and self.response_model is not None
        return guarded and bool((self.methods or set()) & once.METHODS)

    def _reading(self, inner: Handler) -> Handler:
        tree = sparse.of_answer(self.response_model) if self.narrowable else {}
        versioned = "version" in (sparse.names(self.response_model) or {})

        async def handle(request: Request) -> Response:
            scope, given = _without_fields(request.scope) if tree else (request.scope, None)
            wanted = None if given is None else sparse.wanted(given, tree)
            answer = await inner(Request(scope, request.receive))
            body = getattr(answer, "body", None)
            if answer.status_code != 200 or not isinstance(body, bytes):
                if wanted is not None:
                    raise _not_json()
                return answer  # a stream: its tag would be known only at its end
            if wanted is not None:
                if answer.media_type != "application/json":
                    raise _not_json()
                whole = msgspec.json.decode(body)
                narrowed = msgspec.json.encode(sparse.pick(whole, wanted, self.response_model))
                answer = _with_body(answer, narrowed)
            etag = answer.headers["ETag"] = conditional.tag(bytes(answer.body), versioned=versioned)
            known = conditional.known(request.headers.get("if-none-match", ""), etag)
            if known is not None:
                kept = {name: answer.headers[name] for name in ("Vary", "Link") if name in answer.headers}
                return Response(status_code=304, headers={"ETag": known, **kept})
            return answer

        return handle

    def _writing(self, inner: Handler) -> Handler:
        versioned = self.takes_version

        async def handle(request: Request) -> Response:
            if "idempotency-key" in request.headers:
                request.state.deed = once.deed(request, await request.body())
            given = request.headers.get("if-match")
            version = None if given is None else conditional.version_seen(given, versioned=versioned)
            if version is None:
                return await inner(request)
            body = conditional.with_version(await request.body(), version)
            try:
                return await inner(_as_json(request, body))
            except StaleError as stale:
                raise conditional.failed(stale) from None

        return handle


def _done_once(route: Operation, endpoint: Callable[..., Any]) -> Callable[..., Any]:
    """Return an endpoint whose whole work, its answer included, is one deed where the request names one."""
    model = TypeAdapter[Any](route.response_model)
    unsaid: Sequence[str] = getattr(route.response_model, "SAID_ONCE", ())

    @wraps(endpoint)
    def deed(**given: Any) -> Any:
        name = next((name for name, value in given.items() if isinstance(value, Caller)), None)
        caller = None if name is None else given[name]
        if caller is None or caller.deed is None:
            return endpoint(**given)

        def do(acting: Caller) -> tuple[Response, bytes]:
            said = endpoint(**{**given, str(name): acting})
            body = model.dump_json(said, by_alias=True)
            kept = said.model_copy(update=dict.fromkeys(unsaid)) if unsaid else said
            answer = Response(body, route.status_code or 200, media_type="application/json")
            return answer, model.dump_json(kept, by_alias=True)

        return caller.once(do)

    return deed


def equip(router: APIRouter) -> APIRouter:
    """Make operations of the router's routes; the routers themselves need to know nothing of it."""
    for route in router.routes:
        if type(route) is APIRoute:
            route.__class__ = Operation
            assert isinstance(route, Operation)  # noqa: S101 - for mypy
            if route.performs:
                route.endpoint = _done_once(route, route.endpoint)
    return router


def _without_fields(scope: Scope) -> tuple[Scope, str | None]:
    """Take `fields` out of the query, which the endpoints' own parameters would refuse."""
    named: list[str] = []
    rest: list[str] = []
    for part in scope["query_string"].decode("latin-1").split("&"):
        name, _, value = part.partition("=")
        (named if name == "fields" else rest).append(value if name == "fields" else part)
    if not named:
        return scope, None
    given = scope["state"]["fields"] = ",".join(unquote_plus(value) for value in named)
    return {**scope, "query_string": "&".join(rest).encode("latin-1")}, given


def _with_body(answer: Response, body: bytes) -> Response:
    headers = {name: value for name, value in answer.headers.items() if name != "content-length"}
    return Response(body, answer.status_code, headers)


def _as_json(request: Request, body: bytes) -> Request:
    """Return the request with another body."""

    async def receive() -> Message:
        return {"type": "http.request", "body": body, "more_body": False}

    kept = [pair for pair in request.scope["headers"] if pair[0] not in {b"content-type", b"content-length"}]
    scope = {**request.scope, "headers": [*kept, (b"content-type", b"application/json")]}
    given: Receive = receive
    return Request(scope, given)


def _not_json() -> Exception:
    return refused_value("query", "fields", "Fields are chosen of JSON answers only.")
