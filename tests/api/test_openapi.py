"""The OpenAPI document is whole: examples that fit, problems that can happen, and an operation's own name."""

import re
from importlib.metadata import version
from typing import Any

from fastapi import FastAPI
from fastapi.routing import APIRoute
from pydantic import TypeAdapter
from starlette.testclient import TestClient

from api.app import ROUTERS
from api.problem import MEDIA_TYPE, Problem

OPEN = {"/healthz", "/readyz"}
READ_BY_POST = {"/v1/series"}


def contract(standing: TestClient) -> dict[str, Any]:
    app = standing.app
    assert isinstance(app, FastAPI)
    return app.openapi()


def routes() -> list[APIRoute]:
    found = [route for router in ROUTERS for route in router.routes if isinstance(route, APIRoute)]
    return [route for route in found if route.include_in_schema]


def responses(standing: TestClient) -> list[tuple[str, dict[str, Any]]]:
    paths = contract(standing)["paths"]
    return [
        (f"{method} {path}", operation["responses"])
        for path, item in paths.items()
        for method, operation in item.items()
    ]


def test_the_document_loads_and_needs_no_key(standing: TestClient) -> None:
    document = standing.get("/openapi.json").json()
    assert document["openapi"].startswith("3.1")
    assert document["info"]["version"] == version("headwater")
    assert document["components"]["securitySchemes"]["key"]["scheme"] == "bearer"


def test_every_reference_leads_somewhere(standing: TestClient) -> None:
    document = contract(standing)
    wanted = set(re.findall(r"'\$ref': '#/components/schemas/([^']+)'", str(document)))
    assert wanted == set(document["components"]["schemas"]) & wanted


def test_every_answer_has_an_example(standing: TestClient) -> None:
    for name, answers in responses(standing):
        for status, answer in answers.items():
            for media, content in answer.get("content", {}).items():
                assert content["example"] is not None, (name, status, media)


def test_good_examples_are_what_the_operation_returns(standing: TestClient) -> None:
    assert len(routes()) == len(responses(standing))
    for route in routes():
        if route.response_model is None:
            continue
        (status,) = [s for s in route.responses if s in {200, 202}]
        example = route.responses[status]["content"]["application/json"]["example"]
        shown = TypeAdapter(route.response_model)
        again = shown.dump_python(shown.validate_python(example), mode="json", by_alias=True)
        assert again == example, route.path
        (method,) = route.methods or {""}
        operation = contract(standing)["paths"][route.path_format][method.lower()]
        assert operation["responses"][str(status)]["content"]["application/json"]["example"] == example


def test_every_problem_that_can_happen_is_documented(standing: TestClient) -> None:
    for name, answers in responses(standing):
        method, path = name.split()
        statuses = {int(status) for status in answers}
        if path in OPEN:
            assert 401 not in statuses
            continue
        assert statuses >= {401, 403, 500, 503}, name
        assert (404 in statuses) == ("{" in path), name
        assert (422 in statuses) == (path != "/metrics"), name
        assert (409 in statuses) == (method != "get" and path not in READ_BY_POST), name
        for status, answer in answers.items():
            if int(status) < 400:
                continue
            assert list(answer["content"]) == [MEDIA_TYPE]
            problem = answer["content"][MEDIA_TYPE]["example"]
            assert Problem.model_validate(problem).status == int(status)


def test_every_operation_has_a_name_of_its_own_a_tag_and_a_description(standing: TestClient) -> None:
    operations = [op for item in contract(standing)["paths"].values() for op in item.values()]
    tags = {tag["name"] for tag in contract(standing)["tags"]}
    names = [op["operationId"] for op in operations]
    assert len(set(names)) == len(names)
    for operation in operations:
        assert set(operation["tags"]) <= tags
        assert operation["tags"]
        assert len(operation["description"]) > 20


def test_no_page_loads_anything_from_another_host(standing: TestClient) -> None:
    for path in ["/", "/docs", "/redoc", "/docs/oauth2-redirect"]:
        assert standing.get(path).status_code == 404
