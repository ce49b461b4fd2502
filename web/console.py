"""The console's composition: which pages there are."""

from fastapi import FastAPI

from web import assets, missing
from web.pages import (
    account,
    bulk,
    charts,
    customers,
    health,
    inbox,
    live,
    login,
    network,
    network_charts,
    outages,
    reports,
    settings,
    settings_access,
    settings_people,
    settings_terms,
    tickets,
    today,
    visits,
    ways,
)

ROUTERS = (
    assets.router,
    login.router,
    account.router,
    ways.router,
    today.router,
    charts.router,
    bulk.router,
    inbox.router,
    live.router,
    tickets.router,
    customers.router,
    outages.router,
    network.router,
    network_charts.router,
    reports.router,
    health.router,
    settings.router,
    visits.router,
    settings_access.router,
    settings_people.router,
    settings_terms.router,
)


def add(app: FastAPI) -> None:
    """Put the console on the API's application."""
    for router in ROUTERS:
        app.include_router(router)
    missing.add(app)
