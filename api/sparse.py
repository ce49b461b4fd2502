"""`fields=a,b.c`: of a JSON answer only what is asked for; of a list, of each of its items."""

from collections.abc import Hashable, Mapping
from functools import cache
from types import UnionType
from typing import Any, Union, get_args, get_origin

from pydantic import BaseModel

from api.problem import refused_value

# The names that an answer has, each with those below it; None where any name may be.
Tree = Mapping[str, "Tree | None"]
# The names that are wanted, each with those below it; None is all of it.
Wanted = dict[str, "Wanted | None"]
MOST_NAMES = 100


@cache
def names(model: Hashable) -> Tree | None:
    """Return what there is to ask for in an answer of this type; None where that isn't known."""
    if isinstance(model, type) and issubclass(model, BaseModel):
        found: dict[str, Tree | None] = {
            field.serialization_alias or field.alias or name: _below(field.annotation)
            for name, field in model.model_fields.items()
        }
        return found | {name: names(field.return_type) for name, field in model.model_computed_fields.items()}
    if get_origin(model) in {Union, UnionType, list, tuple}:
        found = {}
        for part in get_args(model):
            below = names(part)
            if below is None:
                return None
            found |= below
        return found
    return None if model in {Any, dict} or get_origin(model) is dict else {}


def _below(annotation: Any) -> Tree | None:
    return names(annotation)


def of_answer(model: Any) -> Tree:
    """Return what `fields` may name: of a list, the names of an item."""
    whole = names(model) or {}
    return whole.get("items") or whole


def wanted(given: str, tree: Tree) -> Wanted:
    """Return the names that are asked for; one that isn't there is 422 with those that are."""
    paths = [path.strip() for path in given.split(",") if path.strip()]
    if not 1 <= len(paths) <= MOST_NAMES:
        raise refused_value("query", "fields", f"Name 1 to {MOST_NAMES} of {', '.join(sorted(tree))}.")
    found: Wanted = {}
    for path in paths:
        parts = path.split(".")
        _check(path, parts, tree)
        _add(found, parts)
    return found


def _check(path: str, parts: list[str], tree: Tree) -> None:
    there: Tree | None = tree
    for depth, name in enumerate(parts):
        if there is None:
            return
        if name not in there:
            where = f" below {'.'.join(parts[:depth])}" if depth else ""
            known = ", ".join(sorted(there)) or "nothing"
            raise refused_value("query", "fields", f"There is no {path:.100}; there is{where}: {known}.")
        there = there[name]


def _add(found: Wanted, parts: list[str]) -> None:
    name, *rest = parts
    if not rest:
        found[name] = None
    elif (below := found.setdefault(name, {})) is not None:
        _add(below, rest)


def pick(answer: Any, asked: Wanted, model: Any) -> Any:
    """Return what is asked for of a decoded answer, or of each item of a list, which keeps its `next`."""
    if (names(model) or {}).get("items"):
        return answer | {"items": _pick(answer["items"], asked)}
    return _pick(answer, asked)


def _pick(value: Any, asked: Wanted | None) -> Any:
    if asked is None:
        return value
    if isinstance(value, list):
        return [_pick(item, asked) for item in value]
    if isinstance(value, dict):
        return {name: _pick(inner, asked[name]) for name, inner in value.items() if name in asked}
    return value
