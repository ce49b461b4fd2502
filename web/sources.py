"""The texts that other rooms write and a page shows, as templates: found in their source.

Errors, what a parameter means, what a job does, why a payload was refused: written in English where they
arise, most with figures and names in them. `f"No meter {serial}."` becomes `No meter %(serial)s.`; a text
that is put together of pieces is followed to them, through variables, alternatives and functions of its
module, and gives a template for each way in which it may read.
"""

import ast
import re
from collections.abc import Iterable, Iterator
from functools import cache
from importlib import resources
from itertools import product
from pathlib import Path

from pydantic_core import PydanticKnownError

from web.told import PLACE

ROOMS = (
    *("core", "sql/pool.py", "service", "api", "detection", "web"),
    *("ingest/checks.py", "ingest/chores.py", "ingest/codecs", "ingest/draft.py", "ingest/intake.py"),
    *("ingest/writer.py", "jobs/months.py", "jobs/people.py", "jobs/plans.py", "jobs/preview.py"),
    *("jobs/report.py", "jobs/schedule.py", "jobs/visits.py", "notify/channels", "notify/sender.py"),
)
"""Where the texts arise, and where they don't: what only programs, customers' apps and terminals are told."""
OF_PROGRAMS = (
    *("api/auth.py", "api/conditional.py", "api/limits.py", "api/me/", "api/middleware.py", "api/once.py"),
    *("api/operation.py", "api/serve.py", "api/sparse.py", "api/stream/"),
)
TAKES: dict[str, tuple[int, ...]] = {
    **dict.fromkeys(("BadDataError", "ConflictError", "ForbiddenError", "HeadwaterError"), (0,)),
    **dict.fromkeys(("InfrastructureError", "NotFoundError", "StaleError", "TooManyError"), (0,)),
    "RefusedError": (1, 2),
    "refused_value": (2,),
    "Receipt": (1,),
    "Refusal": (2,),
    "refusal": (2,),
    "CantWaitError": (0,),
    "refuse": (1,),
    "Param": (3,),
    "Job": (3,),
    "__init__": (0,),
    "Detector": (),
    "for_readers": (0,),
}
"""Which arguments of what is called are texts for readers; settings that are wrong end a process."""
NAMED = frozenset({"cure", "finds"})
SET = frozenset({"why", "detail", "error", "problem", "words"})
"""What is set to a text that goes on record, in rooms that keep records."""
OF_RECORD = ("service/", "ingest/", "notify/")
OF_VALUES = ("api/", "service/")
"""Rooms whose ValueError says what is wrong with a field."""
OF_FIELDS = {
    "missing": {},
    "extra_forbidden": {},
    "finite_number": {},
    "bool_parsing": {},
    "int_parsing": {},
    "int_from_float": {},
    "int_parsing_size": {},
    "float_parsing": {},
    "string_type": {},
    "list_type": {},
    "dict_type": {},
    "greater_than": {"gt": 0},
    "greater_than_equal": {"ge": 0},
    "less_than": {"lt": 0},
    "less_than_equal": {"le": 0},
    "string_too_short": {"min_length": 2},
    "string_too_long": {"max_length": 2},
    "string_pattern_mismatch": {"pattern": ""},
    "too_short": {"field_type": "", "min_length": 2, "actual_length": 1},
    "too_long": {"field_type": "", "max_length": 2, "actual_length": 3},
    "enum": {"expected": ""},
    "literal_error": {"expected": ""},
    "date_from_datetime_parsing": {"error": ""},
    "date_from_datetime_inexact": {},
    "datetime_from_date_parsing": {"error": ""},
    "time_parsing": {"error": ""},
    "timezone_aware": {},
}
"""What pydantic finds wrong with a form, each kind with what its words need."""
MOST = 64
_HOLE = re.compile("\0(\\w*)\0")
Function = ast.FunctionDef | ast.AsyncFunctionDef


@cache
def templates() -> dict[str, tuple[str, int]]:
    """Return every template with the file and line where it is first found; one of those that read alike."""
    found: dict[str, tuple[str, str, int]] = {}
    for name, source in sources():
        for text, line in source.texts():
            found.setdefault(PLACE.sub("%", text), (text, name, line))
    for kind, given in OF_FIELDS.items():
        words = PydanticKnownError(kind, given).message_template  # type: ignore[arg-type]
        for plural in ("", "s"):
            one = words.replace("{field_type}", "List").replace("{expected_plural}", plural)
            text = re.sub(r"{(\w+)}", r"%(\1)s", one)
            found.setdefault(PLACE.sub("%", text), (text, "pydantic", 1))
    return {text: (name, line) for text, name, line in found.values()}


def sources() -> Iterator[tuple[str, "Source"]]:
    """Yield every file in which texts for readers arise."""
    home = Path(str(resources.files("core"))).parent
    for room in ROOMS:
        for file in sorted((home / room).rglob("*.py")) or [home / room]:
            name = file.relative_to(home).as_posix()
            if not name.startswith(OF_PROGRAMS) and "node_modules" not in name:
                yield name, Source(name, file.read_text())


class Source:
    """A file of source, and what it says to readers."""

    def __init__(self, name: str, source: str) -> None:
        self._tree = ast.parse(source)
        self._takes = TAKES | ({"ValueError": (0,)} if name.startswith(OF_VALUES) else {})
        self._kept = SET if name.startswith(OF_RECORD) else frozenset()
        self._nodes = list(ast.walk(self._tree))
        self._names: dict[str, list[ast.Name]] = {}
        for node in self._nodes:
            if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
                self._names.setdefault(node.id, []).append(node)
        self._within = {child: node for node in self._nodes for child in ast.iter_child_nodes(node)}

    def texts(self) -> Iterator[tuple[str, int]]:
        """Yield the templates, each with its line."""
        for node in self._nodes:
            for said in self._said(node):
                for text in self._readings(said, 0) or ():
                    words = re.findall(r"[A-Za-z]{2,}", _HOLE.sub("\0", text))
                    if " " in text.strip() and (len(words) > 1 or any(len(word) > 2 for word in words)):
                        yield _named(text), node.lineno  # type: ignore[attr-defined]

    def passed_on(self) -> Iterator[str]:
        """Yield what errors are made of here that is written elsewhere."""
        for node in self._nodes:
            if isinstance(node, ast.Call) and _name(node.func).endswith("Error"):
                yield from (ast.unparse(t) for t in self._said(node) if self._readings(t, 0) is None)

    def _said(self, node: ast.AST) -> Iterator[ast.expr]:
        """Yield the expressions of a call, or of the line that a job returns, that are texts for readers."""
        match node:
            case ast.Call() if (name := _name(node.func)) in self._takes:
                for place in self._takes[name]:
                    yield from node.args[place : place + 1]
                yield from (keyword.value for keyword in node.keywords if keyword.arg in NAMED)
            case ast.Call():
                yield from (keyword.value for keyword in node.keywords if keyword.arg in self._kept)
            case ast.Assign(targets=[ast.Name(id=name)], value=value) if name in self._kept:
                yield value
            case ast.Return(value=ast.expr() as value) if function := self._function(node):
                of_run = [
                    ast.unparse(a.annotation).strip("'") for a in function.args.args if a.annotation
                ] == ["Run"]
                if of_run or function.name == "__str__":
                    yield value

    def _function(self, node: ast.AST) -> Function | None:
        while node in self._within:
            node = self._within[node]
            if isinstance(node, Function):
                return node
        return None

    def _readings(self, node: ast.expr, depth: int) -> list[str] | None:  # noqa: PLR0911 - one a kind
        """Return each way in which an expression may read; None where it is not a text of ours."""
        if depth > 12:
            return None
        match node:
            case ast.Constant(value=str(text)):
                return [text]
            case ast.JoinedStr(values=pieces):
                return self._joined(pieces, depth)
            case ast.BinOp(left=left, op=ast.Add(), right=right):
                either = self._readings(left, depth + 1) or self._readings(right, depth + 1)
                return self._joined([left, right], depth) if either else None
            case ast.IfExp(body=body, orelse=orelse):
                return self._either([body, orelse], depth)
            case ast.BoolOp(op=ast.Or(), values=values):
                return self._either(values, depth)
            case ast.Dict(values=values):
                return self._either(values, depth)
            case ast.Subscript(value=ast.Name() | ast.Dict() as table):
                return self._readings(table, depth + 1)
            case ast.Name(id=name):
                return self._all(self._meanings(node, name), depth)
            case ast.Call(func=ast.Name(id="for_readers"), args=[text]):
                return self._readings(text, depth)
            case ast.Call(func=ast.Name(id=name)):
                returned = (
                    inner.value
                    for inner in self._nodes
                    if isinstance(inner, ast.Return) and (f := self._function(inner)) and f.name == name
                )
                return self._all(returned, depth)
        return None

    def _piece(self, node: ast.expr, depth: int) -> list[str]:
        whole = not isinstance(node, ast.FormattedValue) or (node.conversion == -1 and not node.format_spec)
        value = node.value if isinstance(node, ast.FormattedValue) else node
        found = self._readings(value, depth + 1) if whole else None
        return [f"\0{_word(value)}\0"] if found is None else found

    def _joined(self, pieces: list[ast.expr], depth: int) -> list[str]:
        ways = ["".join(way) for way in product(*(self._piece(piece, depth) for piece in pieces))]
        if len(ways) > MOST:
            raise ValueError(f"line {pieces[0].lineno} may read in {len(ways)} ways: say it in fewer pieces")
        return ways

    def _either(self, nodes: Iterable[ast.expr], depth: int) -> list[str] | None:
        """Return the readings of alternatives, of which one at least is a text."""
        nodes = list(nodes)
        if all(self._readings(node, depth + 1) is None for node in nodes):
            return None
        return list(dict.fromkeys(text for node in nodes for text in self._piece(node, depth)))

    def _all(self, nodes: Iterable[ast.expr | None], depth: int) -> list[str] | None:
        """Return the readings of what a name may stand for, where all of them are texts."""
        found = [None if node is None else self._readings(node, depth + 1) for node in nodes]
        if not found or None in found:
            return None
        return list(dict.fromkeys(text for texts in found for text in texts or ()))

    def _meanings(self, node: ast.AST, name: str) -> list[ast.expr | None]:
        """Return what a name is set to where it stands, or what the calls of the module give a parameter."""
        function = self._function(node)
        names = [a.arg for a in [*function.args.args, *function.args.kwonlyargs]] if function else []
        if function and name in names:
            return list(self._given(function, name, names.index(name)))
        return list(self._set(function, name)) or list(self._set(None, name))

    def _set(self, function: Function | None, name: str) -> Iterator[ast.expr | None]:
        """Yield what a name is set to within a function, or in the module; None where no one value is."""
        for node in self._names.get(name, ()):
            if self._function(node) is function:
                match self._within[node]:
                    case ast.Assign(targets=[target], value=value) if target is node:
                        yield value
                    case ast.AnnAssign(value=value) as owner if not isinstance(
                        self._within[owner], ast.ClassDef
                    ):
                        yield value
                    case _:
                        yield None

    def _given(self, function: Function, name: str, place: int) -> Iterator[ast.expr | None]:
        """Yield what the calls of a function give for a parameter."""
        for call in self._nodes:
            if isinstance(call, ast.Call) and _name(call.func) == function.name:
                named = [keyword.value for keyword in call.keywords if keyword.arg == name]
                yield next(iter([*named, *call.args[place : place + 1]]), None)


def _named(text: str) -> str:
    """Return a reading with its holes named, each otherwise."""
    seen: dict[str, int] = {}

    def place(match: re.Match[str]) -> str:
        seen[match[1]] = n = seen.get(match[1], 0) + 1
        return f"%({match[1]}{f'_{n}' if n > 1 else ''})s"

    return _HOLE.sub(place, text).strip()


def _name(node: ast.AST) -> str:
    return str(getattr(node, "id", "") or getattr(node, "attr", ""))


def _word(node: ast.AST) -> str:  # noqa: PLR0911 - one a kind
    """Return the word that names best what an expression stands for."""
    match node:
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return name.strip("_").lower()
        case ast.Subscript(slice=ast.Constant(value=str(name))):
            return name
        case ast.Subscript(value=value) | ast.BinOp(left=value) | ast.BoolOp(values=[value, *_]):
            return _word(value)
        case ast.Call(args=[first, *_]):
            return _word(first)
        case ast.Call(func=function):
            return _word(function)
        case ast.Constant(value=str(name)) if name.isidentifier():
            return name
        case ast.GeneratorExp(elt=value):
            return _word(value)
    return "value"
