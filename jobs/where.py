"""Where the servers are: the settings' URLs, else the private servers of `headwater stack`."""

from core.errors import SettingsError
from core.settings import Settings
from jobs.stack.servers import status


def located(settings: Settings, *, mqtt: bool = False) -> Settings:
    """Return the settings with `database_url` (and `mqtt_url`, if wanted) filled in.

    Raises SettingsError when a URL is not set and the private server does not run.
    """
    wanted = ["database_url", *(["mqtt_url"] if mqtt else [])]
    missing = [name for name in wanted if not getattr(settings, name)]
    if not missing:
        return settings
    private = status()
    if any(getattr(private, name) is None for name in missing):
        names = " and ".join(f"HEADWATER_{name.upper()}" for name in missing)
        raise SettingsError(
            f"{names} not set, and the private servers don't run.",
            cure="Start them with `headwater stack up`, or set the address of servers you have.",
        )
    return settings.model_copy(update={name: getattr(private, name) for name in missing})
