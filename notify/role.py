"""The notifier's threads: one follows events, one writes outage notices, others send by a channel each."""

from collections.abc import Callable, Collection
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from core.clock import Clock
from core.errors import SettingsError
from core.settings import Settings
from core.supervise import Supervisor
from notify import metrics
from notify.channels import Channel
from notify.channels.apprise import AppriseChannel
from notify.channels.bots import BOTS
from notify.channels.email import EmailChannel, parse
from notify.channels.guard import Guard
from notify.channels.sms import SmsChannel
from notify.channels.subscription import SubscriptionChannel
from notify.channels.webhook import WebhookChannel
from notify.follow import Follower
from notify.mail import Composer
from notify.pauses import Pauses
from notify.sender import Sender
from notify.words import Words
from notify.writer import Writer
from service import bundles, outage_notices
from sql.listen import Work, forever
from sql.pool import Connection
from sql.query import Queries

Q = Queries("notify")
_PATIENCE_S = 300.0


@dataclass(frozen=True)
class Way:
    """A channel that the settings allow, and how many send by it at once; each by a channel of its own."""

    name: str
    make: Callable[[], Channel]
    senders: int = 1


def start(supervisor: Supervisor, settings: Settings, clock: Clock, database_url: str) -> None:
    """Start following events and sending; several notifiers may run at once.

    Without `smtp_url` mails wait in the outbox, without `webhook_url` and `webhook_secret` posts do. Raises
    SettingsError for what can't work.
    """
    allowed = ways(settings, clock)
    webhooks = [settings.webhook_url] if settings.webhook_url else []
    follower = Follower(clock, webhooks)
    spawn = partial(_spawn, supervisor, database_url, settings.notify_every_s)
    spawn("notify-tickets", "headwater_event", lambda conn: _follow(follower, clock, conn))
    go_on = partial(_go_on, supervisor, "notify-outages")
    night_texts = settings.outage_night_texts
    spawn("notify-outages", "headwater_outage", lambda conn: fill_outbox(conn, clock, go_on, night_texts))
    for way in allowed:
        pauses = Pauses()
        for number in range(1, way.senders + 1):
            name = f"notify-{way.name}-{number}"
            sender = Sender(way.make(), clock, partial(_go_on, supervisor, name), pauses)
            spawn(name, "headwater_outbox", sender.drain)


def ways(settings: Settings, clock: Clock) -> list[Way]:
    """Return the channels that the settings allow; robots and apprise need none, and take one at a time."""
    writer = Writer(Words(settings.public_url, Path(settings.cjk_font) if settings.cjk_font else None))
    many = settings.notify_senders
    guard = partial(Guard, private_too=settings.webhook_private)
    allowed = [Way(bot.name, partial(bot, clock, writer, guard())) for bot in BOTS]
    allowed.append(Way("apprise", partial(AppriseChannel, writer)))
    if settings.smtp_url:
        server, composer = parse(settings.smtp_url), Composer(settings.mail_from, clock, writer)
        allowed.append(Way("email", lambda: EmailChannel(server, composer), many))
    allowed.append(Way("subscription", lambda: SubscriptionChannel(clock, guard()), many))
    secret = _secret("WEBHOOK", settings.webhook_url, settings.webhook_secret.get_secret_value())
    if secret:
        own = settings.webhook_url
        allowed.append(Way("webhook", lambda: WebhookChannel(secret, clock, writer, guard(), own), many))
    key = _secret("SMS", settings.sms_url, settings.sms_secret.get_secret_value())
    if settings.sms_url:
        allowed.append(Way("sms", lambda: SmsChannel(settings.sms_url, key, clock, writer), many))
    return allowed


def _secret(name: str, url: str, secret: str) -> str:
    if url and not secret:
        raise SettingsError(
            f"HEADWATER_{name}_URL is set, HEADWATER_{name}_SECRET is not: posts could not be signed.",
            cure="Set it to a long random text, and give the receiver the same.",
        )
    return secret


def _spawn(
    supervisor: Supervisor, database_url: str, every_s: float, name: str, channel: str, work: Work
) -> None:
    run = partial(forever, supervisor, name, database_url, "notify", [channel], every_s, work)
    supervisor.spawn(name, run, patience_s=_PATIENCE_S)


def fill_outbox(
    conn: Connection,
    clock: Clock,
    go_on: Callable[[], bool] = lambda: True,
    night_texts: Collection[str] = outage_notices.NIGHT_TEXTS,
) -> None:
    """Fill the outbox with what customers are to be told of outages, a batch a transaction."""
    more = True
    while more and go_on():
        with conn.transaction():
            more = outage_notices.fill(conn, at=clock.now(), night_texts=night_texts)


def _go_on(supervisor: Supervisor, name: str) -> bool:
    supervisor.beat(name)
    return not supervisor.stopping.is_set()


def _follow(follower: Follower, clock: Clock, conn: Connection) -> None:
    follower.catch_up(conn)
    with conn.transaction():
        bundles.gather(conn, at=clock.now())
    for channel, waiting, _ in conn.execute(Q["pending"]):
        metrics.PENDING.labels(channel).set(waiting)
    failed: dict[str, int] = dict(conn.execute(Q["failed"]).fetchall())
    for state in ("dead", "bounced", "unknown"):
        metrics.FAILED.labels(state).set(failed.get(state, 0))
