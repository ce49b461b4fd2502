"""Every setting, its default and its meaning. Read once, at the composition root.

Environment variables are the names below in capitals with the prefix `HEADWATER_`; a `.env` file in the
working directory is read as well. docs/settings.md is made from this file.
"""

from typing import Literal

from pydantic import Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from core.errors import SettingsError
from core.words import Sector


class Settings(BaseSettings):
    """All settings of all roles."""

    model_config = SettingsConfigDict(env_prefix="HEADWATER_", env_file=".env", extra="ignore", frozen=True)

    database_url: str = Field(
        "",
        description="PostgreSQL with TimescaleDB. Empty: the private server of `headwater stack`.",
    )
    mqtt_url: str = Field(
        "",
        description="MQTT 5 broker: `mqtt://user:password@host:port` or `mqtts://`. Empty: the private one.",
    )
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field(
        "INFO",
        description="How much is logged.",
    )

    ingest_client_id: str = Field(
        "headwater-ingest",
        min_length=1,
        description="Stable MQTT client id: the broker keeps this session while the ingester is away.",
    )
    ingest_topics: dict[str, str] = Field(
        {"meters/+/readings": "native"},
        description="Topic filter -> codec, as a JSON object. `$share/group/...` filters spread the load.",
    )
    ingest_batch_readings: int = Field(
        20_000,
        ge=1,
        description="Most readings in one transaction.",
    )
    ingest_batch_wait_s: float = Field(
        0.05,
        ge=0,
        le=10,
        description="Longest wait for more messages before a transaction.",
    )
    ingest_receive_maximum: int = Field(
        20_000,
        ge=1,
        le=65_535,
        description="Most unacknowledged messages the broker may send: bounds the ingester's memory.",
    )
    ingest_max_payload_bytes: int = Field(
        1_048_576,
        ge=1_024,
        description="Longer payloads are not decoded but quarantined, whole.",
    )
    ingest_receipts: bool = Field(
        False,
        description="Publish `meters/{meter}/receipts` after each commit; ask for gaps on `.../requests`.",
    )
    ingest_health_port: int = Field(
        9101,
        ge=0,
        le=65_535,
        description="Port of the ingester's /healthz and /metrics; 0: none.",
    )
    retention_days: int = Field(
        1_100,
        ge=1,
        description="How long raw readings are kept; older ones are quarantined as too_old.",
    )
    contact_months: int = Field(
        24,
        ge=1,
        le=600,
        description="Contact data that nobody made sure of for so long are to be verified.",
    )
    contact_checks_a_day: int = Field(
        5, ge=0, description="Most old contact data that a manager is asked to verify a day."
    )

    detect_every_s: float = Field(
        60.0,
        gt=0,
        description="Longest wait between detection cycles; new readings start one at once.",
    )
    detect_window_days: int = Field(
        36,
        ge=8,
        le=400,
        description="How much history the detectors keep in memory.",
    )
    detect_settle_s: float = Field(
        0.5,
        ge=0,
        description="Shortest wait between two detection cycles.",
    )
    detect_health_port: int = Field(
        9102,
        ge=0,
        le=65_535,
        description="Port of the detector's /healthz and /metrics; 0: none.",
    )

    notify_every_s: float = Field(
        (5.0),
        gt=0,
        description="Longest wait between looks at the outbox.",
    )
    notify_senders: int = Field(
        4,
        ge=1,
        le=64,
        description="How many mails, posts and text messages each are sent at once.",
    )
    notify_health_port: int = Field(
        9103,
        ge=0,
        le=65_535,
        description="Port of the notifier's /healthz and /metrics; 0: none.",
    )
    smtp_url: str = Field(
        "",
        description="`smtp://host`, `smtp+starttls://user:password@host`, `smtps://`. Empty: they wait.",
    )
    outage_notice_h: float = Field(
        24.0,
        ge=0,
        le=720,
        description="How many hours ahead planned work is announced; a shorter notice needs a reason.",
    )
    outage_reminder_h: float = Field(
        12.0,
        ge=0,
        le=240,
        description="How many hours before its start planned work is reminded of.",
    )
    outage_night_texts: list[Literal["announced", "changed", "delayed", "started", "restored"]] = Field(
        ["announced", "started"],
        description="Turns of an unplanned outage of which general customers are texted even at night, where"
        " the water is off before seven; the others wait until then. As a JSON list.",
    )
    service_phone: str = Field(
        "",
        description="The utility's telephone number for customers, where an outage names no other.",
    )
    mail_from: str = Field(
        "headwater@localhost",
        description="Sender address of mails.",
    )
    webhook_url: str = Field(
        "",
        description="Where every ticket message is also posted, signed. Empty: nowhere.",
    )
    webhook_secret: SecretStr = Field(
        SecretStr(""),
        description="Key of the webhook's HMAC-SHA256 signature; needed with webhook_url.",
    )
    webhook_private: bool = Field(
        False,
        description="Let subscriptions and people's own channels use http and addresses of private networks:"
        " for development.",
    )
    webhook_pause_days: int = Field(
        5,
        ge=1,
        le=90,
        description="A subscription that has failed for so many days on end is paused, its owner told.",
    )
    sms_url: str = Field(
        "",
        description="The utility's gateway for text messages; each is a signed post. Empty: they wait.",
    )
    sms_secret: SecretStr = Field(
        SecretStr(""),
        description="Key of the HMAC-SHA256 signature of posts to sms_url.",
    )
    public_url: str = Field(
        "http://127.0.0.1:8000",
        description="Where the API is reached from outside; the links in messages start with it.",
    )
    cjk_font: str = Field(
        "",
        description="Font file with Chinese glyphs for charts. Empty: the usual places are searched.",
    )

    api_host: str = Field(
        "127.0.0.1",
        description="Address the API listens on.",
    )
    api_port: int = Field(
        8000,
        ge=0,
        le=65_535,
        description="Port the API listens on.",
    )
    api_proxies: str = Field(
        "",
        description="Addresses of reverse proxies, with commas: the caller's is read from X-Forwarded-For.",
    )
    api_requests_a_minute: int = Field(
        6_000,
        ge=1,
        le=1_000_000,
        description="Requests a minute that a key without a limit of its own may make of one API process.",
    )
    audit_days: int = Field(
        400,
        ge=1,
        description="How long it is kept who read and changed what.",
    )
    api_streams: int = Field(
        200,
        ge=0,
        description="Most live streams (`/v1/stream`, open pages of the console) of one API process.",
    )
    api_heartbeat_s: float = Field(
        15.0,
        gt=0,
        le=30,
        description="So often a silent live stream says that it lives; every second time its key is proved.",
    )

    oidc_issuer: str = Field(
        "",
        description="OpenID provider by which people sign in to the console, such as"
        " `https://login.example.com/realms/water`; exactly as it calls itself. Empty: none.",
    )
    oidc_client_id: str = Field(
        "headwater",
        min_length=1,
        description="What the provider calls Headwater; it sends people back to"
        " `<public_url>/login/oidc/back`.",
    )
    oidc_client_secret: SecretStr = Field(
        SecretStr(""),
        description="Secret of that client. Empty: a public client; PKCE is always used.",
    )
    oidc_label: str = Field(
        "",
        description="What the provider is called on the log-in page. Empty: the utility's account.",
    )
    local_accounts: bool = Field(
        True,
        description="Whether people may sign in with a password of Headwater's own; false counts only where"
        " there is an `oidc_issuer`.",
    )

    frost_c: float = Field(
        -3.0,
        ge=-40,
        le=10,
        description="Forecast air temperature at or below which large customers are inspected, °C.",
    )
    heat_c: float = Field(
        37.0,
        ge=25,
        le=60,
        description="Forecast air temperature at or above which large customers are inspected, °C.",
    )
    plan_notice_sectors: list[Sector] = Field(
        [Sector.INDUSTRIAL, Sector.COMMERCIAL, Sector.INSTITUTIONAL],
        description="Sectors whose customers are told of their own water plans, as a JSON list.",
    )

    jobs_health_port: int = Field(
        9104,
        ge=0,
        le=65_535,
        description="Port of the job runner's /healthz and /metrics; 0: none.",
    )

    @property
    def takes_passwords(self) -> bool:
        """Whether people may sign in with a password of our own: where there is no provider, always."""
        return self.local_accounts or not self.oidc_issuer


def load(**overrides: object) -> Settings:
    """Read the settings; a wrong one is refused with its name, its value and what is allowed."""
    try:
        return Settings(**overrides)  # type: ignore[arg-type]
    except ValidationError as problem:
        lines = [
            f"HEADWATER_{'.'.join(str(part) for part in e['loc']).upper()}: {e['msg']} (got {e['input']!r})"
            for e in problem.errors()
        ]
        raise SettingsError("Wrong settings: " + "; ".join(lines)) from None
