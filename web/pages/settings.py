"""Settings: what the detectors look for and for whom, tried on the past before it holds; who is exempt."""

from typing import Annotated, Any

from fastapi import APIRouter, Query, Response

from api.fields import Id
from api.policies import endpoints as policies
from api.policies.schemas import End, NewPolicy, PolicyFilter, PreviewAnswer, PreviewRequest
from core.errors import BadDataError, NotFoundError
from core.words import Scope
from detection.catalogue import DETECTORS
from web.route import PageRoute
from web.view import Fields, View, sees, taken

router = APIRouter(include_in_schema=False, route_class=PageRoute)
Reader = Annotated[View, sees("policies:read")]
Writer = Annotated[View, sees("policies:write")]
EXEMPTIONS = ("expected_flow", "holiday", "that_is_normal")
SCOPES = tuple(str(scope) for scope in Scope)
Word = Annotated[str, Query(max_length=200)]


@router.get("/settings")
def listed(
    view: Reader, detector: Word = "", scope: Word = "", ended: bool = False, cursor: str | None = None
) -> Response:
    """Show the policies, the latest saved first."""
    return _list(view, "settings_policies.html.jinja", detector, scope, ended, cursor, exempt=False)


@router.get("/settings/exemptions")
def exemptions(
    view: Reader, detector: Word = "", scope: Word = "", ended: bool = False, cursor: str | None = None
) -> Response:
    """Show who is exempt from which detector, and why."""
    return _list(view, "settings_exemptions.html.jinja", detector, scope, ended, cursor, exempt=True)


@router.get("/settings/policies/new")
def new(view: Writer, detector: Word = "continuous_flow") -> Response:
    """Show the form of a policy for a detector, made from what it can be told."""
    return _form(view, {"detector": detector})


@router.post("/settings/policies/try")
def attempt(view: Writer, form: Fields) -> Response:
    """Say what the policy would have raised; what was typed stays."""
    days = form.get("days", "28")
    given = _proposal(form) | {"days": int(days) if days.isdecimal() else 28}
    tried = policies.preview_policy(view.caller, taken(PreviewRequest, given), view.request)
    return _form(view, form, tried)


@router.post("/settings/policies")
def save(view: Writer, form: Fields) -> Response:
    """Save the policy, or the exemption."""
    limits = {name: form[name] for name in ("valid_from", "valid_until") if form.get(name)}
    given = _proposal(form) | limits | {"why": form.get("why", "")}
    policies.create_policy(view.caller, taken(NewPolicy, given), view.request)
    place = "/settings/exemptions" if form.get("exemption") else "/settings"
    return view.go(place, view.say("Saved. The detectors take it up within half a minute."))


@router.post("/settings/policies/{id_}/end")
def end(view: Writer, id_: Id, form: Fields) -> Response:
    """Let a policy hold no longer."""
    ended = policies.end_policy(view.caller, id_, taken(End, {"why": form.get("why", "")}))
    place = "/settings/exemptions" if ended.exemption else "/settings"
    return view.go(place, view.say("It holds no longer."))


def _list(
    view: View, template: str, detector: str, scope: str, ended: bool, cursor: str | None, *, exempt: bool
) -> Response:
    given = PolicyFilter(
        detector=detector or None,
        scope=Scope(scope) if scope in SCOPES else None,
        valid=not ended,
        exempt=exempt,
        cursor=cursor,
    )
    found = policies.list_policies(view.caller, given, view.request, Response())
    return view.page(
        template,
        found=found,
        detectors=DETECTORS,
        scopes=SCOPES,
        reasons=EXEMPTIONS,
        asked={"detector": detector, "scope": scope, "ended": ended},
    )


def _form(view: View, form: dict[str, str], tried: PreviewAnswer | None = None) -> Response:
    detector = DETECTORS.get(form.get("detector", ""))
    if detector is None:
        raise NotFoundError(f"There is no detector {form.get('detector', '')!r}.")
    most = max([1, *(max(week.without, week.with_draft) for week in tried.weeks)]) if tried else 1
    return view.page(
        "settings_policy.html.jinja",
        detector=detector,
        detectors=DETECTORS,
        scopes=SCOPES,
        given=form,
        tried=tried,
        most=most,
    )


def _proposal(form: dict[str, str]) -> dict[str, Any]:
    """Return what a form says of a policy; parameters are the fields that begin with `p_`."""
    params: dict[str, float] = {}
    for field, value in form.items():
        if field.startswith("p_") and value.strip():
            try:
                params[field[2:]] = float(value)
            except ValueError:
                raise BadDataError(f"{field[2:]}: {value[:20]!r} is no number.") from None
    return {
        "detector": form.get("detector", ""),
        "scope": form.get("scope", "default"),
        "scope_key": form.get("scope_key", "").strip(),
        "params": params,
        "enabled": form.get("enabled", "yes") == "yes",
        "exemption": form.get("exemption") or None,
    }
