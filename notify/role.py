"""The notifier's threads: one follows events, one a channel sends."""

from collections.abc import Callable
from functools import partial
from pathlib import Path

from core.clock import Clock
from core.errors import SettingsError
from core.settings import Settings
from core.supervise import Supervisor
from notify import metrics
from notify.channels import Channel
from notify.channels.email import EmailChannel, parse
from notify.channels.webhook import WebhookChannel
from notify.follow import Follower
from notify.loop import Work, forever
from notify.mail import Composer
from notify.sender import Sender
from notify.words import Words
from notify.writer import Writer
from service import outage_notices
from sql.pool import Connection
from sql.query import Queries

Q = Queries("notify")
_PATIENCE_S = 300.0


def start(supervisor: Supervisor, settings: Settings, clock: Clock, database_url: str) -> None:
    """Start following events and sending; several notifiers may run at once.

    Without `smtp_url` mails wait in the outbox, without `webhook_url` and `webhook_secret` posts do. Raises
    SettingsError for what can't work.
    """
    ways = channels(settings, clock)
    webhooks = [settings.webhook_url] if settings.webhook_url else []
    follower = Follower(clock, webhooks)
    spawn = partial(_spawn, supervisor, database_url, settings.notify_every_s)
    spawn("notify-tickets", "headwater_event", lambda conn: _follow(follower, conn))
    go_on = partial(_go_on, supervisor, "notify-outages")
    spawn("notify-outages", "headwater_outage", lambda conn: fill_outbox(conn, clock, go_on))
    for channel in ways:
        name = f"notify-{channel.name}"
        sender = Sender(channel, clock, partial(_go_on, supervisor, name))
        spawn(name, "headwater_outbox", sender.drain)


def channels(settings: Settings, clock: Clock) -> list[Channel]:
    """Return the channels that the settings allow."""
    writer = Writer(Words(settings.public_url, Path(settings.cjk_font) if settings.cjk_font else None))
    made: list[Channel] = []
    if settings.smtp_url:
        composer = Composer(settings.mail_from, clock, writer)
        made.append(EmailChannel(parse(settings.smtp_url), composer))
    secret = settings.webhook_secret.get_secret_value()
    if settings.webhook_url and not secret:
        raise SettingsError(
            "HEADWATER_WEBHOOK_URL is set, HEADWATER_WEBHOOK_SECRET is not: posts could not be signed.",
            cure="Set it to a long random text, and give the receiver the same.",
        )
    if secret:
        made.append(WebhookChannel(secret, clock, writer))
    return made


def _spawn(
    supervisor: Supervisor, database_url: str, every_s: float, name: str, channel: str, work: Work
) -> None:
    run = partial(forever, supervisor, name, database_url, channel, every_s, work)
    supervisor.spawn(name, run, patience_s=_PATIENCE_S)


def fill_outbox(conn: Connection, clock: Clock, go_on: Callable[[], bool] = lambda: True) -> None:
    """Fill the outbox with what customers are to be told of outages, a batch a transaction."""
    more = True
    while more and go_on():
        with conn.transaction():
            more = outage_notices.fill(conn, at=clock.now())


def _go_on(supervisor: Supervisor, name: str) -> bool:
    supervisor.beat(name)
    return not supervisor.stopping.is_set()


def _follow(follower: Follower, conn: Connection) -> None:
    follower.catch_up(conn)
    for channel, waiting, _ in conn.execute(Q["pending"]):
        metrics.PENDING.labels(channel).set(waiting)
    metrics.DEAD.set(conn.execute(Q["dead"]).fetchall()[0][0])
