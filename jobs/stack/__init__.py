"""The private TimescaleDB and Mosquitto that the demo and the tests run on."""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from jobs.stack.private import PrivateBroker, PrivateDatabase, font_path
    from jobs.stack.servers import StackUrls, down, stack_session, up

__all__ = ["PrivateBroker", "PrivateDatabase", "StackUrls", "down", "font_path", "stack_session", "up"]

_HOMES = {
    "PrivateBroker": "private",
    "PrivateDatabase": "private",
    "StackUrls": "servers",
    "down": "servers",
    "font_path": "private",
    "stack_session": "servers",
    "up": "servers",
}


def __getattr__(name: str) -> Any:
    # Looked up late: set-up imports this package before the dependencies of `servers` are installed.
    if name in _HOMES:
        return getattr(importlib.import_module(f"jobs.stack.{_HOMES[name]}"), name)
    raise AttributeError(name)
