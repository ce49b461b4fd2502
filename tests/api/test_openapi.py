"""The OpenAPI document is whole: examples that fit, problems that can happen, and an operation's own name."""

import re
from importlib.metadata import version
from typing import Any

from fastapi import FastAPI
from fastapi.routing import APIRoute
from pydantic import TypeAdapter
from starlette.testclient import TestClient

from api.problem import MEDIA_TYPE, Problem

OPEN = {"/healthz", "/readyz"}


def routes(app: FastAPI) -> list[APIRoute]:
    return [route for route in app.routes if isinstance(route, APIRoute)]


def responses(app: FastAPI) -> list[tuple[str, dict[str, Any]]]:
    paths = app.openapi()["paths"]
    return [
        (f"{method} {path}", operation["responses"])
        for path, item in paths.items()
        for method, operation in item.items()
    ]


def test_the_document_loads_and_needs_no_key(nobody: TestClient) -> None:
    document = nobody.get("/openapi.json").json()
    assert document["openapi"].startswith("3.1")
    assert document["info"]["version"] == version("headwater")
    assert document["components"]["securitySchemes"]["key"]["scheme"] == "bearer"


def test_every_reference_leads_somewhere(app: FastAPI) -> None:
    document = app.openapi()
    wanted = set(re.findall(r"'\$ref': '#/components/schemas/([^']+)'", str(document)))
    assert wanted == set(document["components"]["schemas"]) & wanted


def test_every_answer_has_an_example(app: FastAPI) -> None:
    for name, answers in responses(app):
        for status, answer in answers.items():
            for media, content in answer["content"].items():
                assert content["example"] is not None, (name, status, media)


def test_good_examples_are_what_the_operation_returns(app: FastAPI) -> None:
    for route in routes(app):
        if route.response_model is None:
            continue
        (status,) = [s for s in route.responses if s in {200, 202}]
        example = route.responses[status]["content"]["application/json"]["example"]
        shown = TypeAdapter(route.response_model)
        again = shown.dump_python(shown.validate_python(example), mode="json", by_alias=True)
        assert again == example, route.path


def test_every_problem_that_can_happen_is_documented(app: FastAPI) -> None:
    for name, answers in responses(app):
        method, path = name.split()
        statuses = {int(status) for status in answers}
        if path in OPEN:
            assert 401 not in statuses
            continue
        assert statuses >= {401, 403, 500, 503}, name
        assert (404 in statuses) == ("{" in path), name
        assert (422 in statuses) == (path != "/metrics"), name
        assert (409 in statuses) == (method == "post"), name
        for status, answer in answers.items():
            if int(status) < 400:
                continue
            assert list(answer["content"]) == [MEDIA_TYPE]
            problem = answer["content"][MEDIA_TYPE]["example"]
            assert Problem.model_validate(problem).status == int(status)


def test_every_operation_has_a_name_of_its_own_a_tag_and_a_description(app: FastAPI) -> None:
    operations = [op for item in app.openapi()["paths"].values() for op in item.values()]
    tags = {tag["name"] for tag in app.openapi()["tags"]}
    names = [op["operationId"] for op in operations]
    assert len(set(names)) == len(names)
    for operation in operations:
        assert set(operation["tags"]) <= tags
        assert operation["tags"]
        assert len(operation["description"]) > 20


def test_no_page_loads_anything_from_another_host(nobody: TestClient) -> None:
    for path in ["/", "/docs", "/redoc", "/docs/oauth2-redirect"]:
        assert nobody.get(path).status_code == 404
