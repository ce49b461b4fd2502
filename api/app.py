"""The API's composition: what it is made of, and what its OpenAPI document says."""

from importlib.metadata import version
from typing import Any

from fastapi import FastAPI
from starlette.middleware.gzip import DEFAULT_EXCLUDED_CONTENT_TYPES as PACKED
from starlette.middleware.gzip import GZipMiddleware

from api.access.audit import router as audit
from api.access.keys import router as access_keys
from api.answers import component, restore_examples
from api.calendars.endpoints import router as calendars
from api.causes.endpoints import router as causes
from api.contact_checks.endpoints import router as contact_checks
from api.contract import complete, named_apart
from api.crews.endpoints import of_tickets as ticket_hands
from api.crews.endpoints import router as crews
from api.customers.changes import router as customer_changes
from api.customers.endpoints import router as customers
from api.customers.merging import router as customer_merging
from api.customers.search import router as search
from api.dmas.endpoints import router as dmas
from api.events.endpoints import router as events
from api.figures.endpoints import router as figures
from api.health.endpoints import router as health
from api.health.line import router as line_health
from api.jobs.endpoints import router as jobs
from api.limits import Doors
from api.me.balances import router as balances
from api.me.deeds import router as my_deeds
from api.me.endpoints import router as me
from api.messages.endpoints import router as messages
from api.meters.endpoints import router as meters
from api.meters.formats import MEDIA
from api.meters.silent import router as silent_meters
from api.middleware import Envelope
from api.network.endpoints import router as network
from api.operation import equip
from api.outages.endpoints import router as outages
from api.plans.endpoints import router as plans
from api.policies.endpoints import router as policies
from api.problem import Changed, Problem, ProblemError, add_handlers
from api.quarantine.endpoints import router as quarantine
from api.reach.endpoints import router as reach
from api.segments.endpoints import router as segments
from api.series.endpoints import router as series
from api.series.stream import Streams
from api.sla.endpoints import router as sla
from api.staff.duty import router as duty
from api.staff.endpoints import router as staff
from api.staff.password import router as password
from api.stream.endpoints import router as stream
from api.stream.hub import Hub
from api.surveys.endpoints import router as surveys
from api.surveys.public import router as survey_page
from api.tickets.endpoints import router as tickets
from api.tickets.steps import router as ticket_steps
from api.trail import Trail
from api.visits.endpoints import router as visits
from api.webhooks.endpoints import router as webhooks
from core.clock import Clock
from core.settings import Settings
from service.letters import Letters
from service.policies import Rules
from service.report import Press
from sql.pool import Pool

ROUTERS = (
    segments,
    search,
    customer_merging,
    customer_changes,  # before the customers: an account number may hold a slash
    customers,
    contact_checks,
    silent_meters,  # before the meters: a serial number may hold a slash
    meters,
    series,
    dmas,
    network,
    events,
    tickets,
    ticket_steps,
    causes,
    surveys,
    survey_page,
    figures,
    outages,
    visits,
    plans,
    ticket_hands,
    staff,
    password,
    duty,
    crews,
    policies,
    calendars,
    sla,
    stream,
    webhooks,
    messages,
    reach,
    quarantine,
    jobs,
    me,
    my_deeds,
    balances,
    access_keys,
    audit,
    health,
    line_health,
)
COLUMNS = (MEDIA["arrow"], MEDIA["parquet"])
"""Not compressed once more: gzip takes longer than everything else that is done for them."""
DESCRIPTION = """\
Smart-water-meter readings, what was found in them, and the service that follows.

Every request under `/v1` carries a key: `Authorization: Bearer hw_...`. Errors are problem documents
(RFC 9457). Lists come in pages; follow `next`. Times are UTC instants; a parameter that takes a time also
takes a date, which means that day in the utility's time zone. Units stand in the names.
"""
TAGS = [
    {"name": "customers", "description": "Who is served, and everything about one of them on one page."},
    {"name": "meters", "description": "The device, what it said, and the use made of it."},
    {
        "name": "series",
        "description": "Readings and use of many meters in one answer, as text or in columns.",
    },
    {"name": "dmas", "description": "District metered areas and the network: losses, pressure, the map."},
    {"name": "events", "description": "What the detectors found."},
    {"name": "tickets", "description": "The service cases that people work on."},
    {"name": "figures", "description": "What a month of service was like, and the report of it."},
    {"name": "outages", "description": "Interruptions of the supply, and who is told what of them."},
    {
        "name": "visits",
        "description": "Who is visited when, what there is to talk about, and what came of it.",
    },
    {
        "name": "plans",
        "description": "What customers may use in a month, how it stands, and what is proposed.",
    },
    {"name": "segments", "description": "Who is large, special or vulnerable, and what follows from it."},
    {"name": "staff", "description": "Who is there, what lies on whose desk, who stands in; crews, regions."},
    {"name": "policies", "description": "What the detectors are told, and what that would have brought."},
    {"name": "settings", "description": "Calendars and service levels: when is worked, what is promised."},
    {"name": "stream", "description": "What changes, as it changes."},
    {"name": "webhooks", "description": "Programs that are posted to as things change."},
    {"name": "messages", "description": "What was sent, what became of it, and another try."},
    {"name": "causes", "description": "What it turned out to be, what is known to help, what comes back."},
    {"name": "quarantine", "description": "What could not be understood, and another try at it."},
    {"name": "jobs", "description": "What is periodic: the last run of each, and the next."},
    {"name": "me", "description": "Customers' own: for the utility's app, by a customer's token."},
    {"name": "access", "description": "API keys, and the log of who read and changed what."},
    {"name": "health", "description": "Whether the process is alive, ready, and how it is doing."},
]


class Api(FastAPI):
    """The application; its OpenAPI document holds the problem schema that every error refers to."""

    def openapi(self) -> dict[str, Any]:
        """Return the document, made once."""
        if self.openapi_schema is None:
            document = named_apart(super().openapi())
            routes = [route for router in ROUTERS for route in router.routes]
            restore_examples(document, routes)
            complete(document, routes)
            schemas = document.setdefault("components", {}).setdefault("schemas", {})
            for unused in ("HTTPValidationError", "ValidationError"):
                schemas.pop(unused, None)
            for model in (Problem, ProblemError, Changed):
                schema = component(model)
                schema.pop("$defs", None)
                schemas[model.__name__] = schema
        assert self.openapi_schema is not None  # noqa: S101 - set just above
        return self.openapi_schema


def create_app(
    settings: Settings, clock: Clock, pool: Pool, rules: Rules, letters: Letters, press: Press
) -> FastAPI:
    """Build the API on an open pool of the role `api`.

    `rules` is the detectors' word on policies, `letters` the notifier's on what would be sent, `press` prints
    reports.

    There is no page that would load scripts from another host: the document is at /openapi.json.
    """
    app = Api(
        title="Headwater",
        version=version("headwater"),
        description=DESCRIPTION,
        openapi_tags=TAGS,
        servers=[{"url": settings.public_url}],
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
    )
    app.state.settings, app.state.clock, app.state.pool = settings, clock, pool
    app.state.doors = Doors(settings.api_requests_a_minute)
    app.state.trail = Trail(pool, clock)
    app.state.rules, app.state.letters, app.state.press = rules, letters, press
    app.state.hub = Hub(settings.api_streams, settings.api_heartbeat_s)
    app.state.streams = Streams()
    for router in ROUTERS:
        app.include_router(equip(router))
    add_handlers(app)
    app.add_middleware(
        GZipMiddleware, minimum_size=1_000, compresslevel=3, exclude_content_types=(*PACKED, *COLUMNS)
    )
    app.add_middleware(Envelope)
    return app
