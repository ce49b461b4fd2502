"""The ingester: its threads, wired together."""

import gc

from core.clock import Clock
from core.settings import Settings
from core.supervise import Supervisor
from ingest import broker, chores, gatherer, writer
from ingest.clocks import MeterClocks
from ingest.inbox import Inbox
from ingest.intake import Rules
from ingest.meters import Meters
from ingest.receipts import Receipts
from ingest.routes import Routes
from ingest.session import Session

PATIENCE_S = 4.5


def start(supervisor: Supervisor, settings: Settings, clock: Clock, database_url: str) -> None:
    """Start the ingester's threads on `supervisor`.

    Raises SettingsError at once for what can't work; servers that are away are waited for.
    """
    routes = Routes(settings.ingest_topics)
    session = Session(settings.ingest_client_id)
    session.aim(settings.mqtt_url, settings.ingest_receive_maximum)
    rules = Rules(routes, settings.ingest_max_payload_bytes, settings.retention_days)
    meters, clocks = Meters(), MeterClocks()
    inbox = Inbox(2 * settings.ingest_receive_maximum)
    line = broker.Broker(session, [r.subscription for r in routes.routes], inbox, clock, supervisor)
    size = gatherer.BatchSize(settings.ingest_batch_readings, settings.ingest_batch_wait_s)
    ahead = gatherer.Gatherer(supervisor, inbox, rules, meters, size)
    store = writer.Writer(
        supervisor,
        ahead,
        line,
        database_url,
        rules,
        writer.Books(meters, clocks, Receipts(meters, clocks) if settings.ingest_receipts else None),
    )
    beside = chores.Chores(supervisor, clock, database_url, meters, clocks, rules)
    # What exists now lives as long as the process: no garbage collection needs to look at it again.
    gc.collect()
    gc.freeze()
    supervisor.spawn(writer.THREAD, store.run, patience_s=PATIENCE_S)
    supervisor.spawn(gatherer.THREAD, ahead.run, patience_s=PATIENCE_S)
    supervisor.spawn(broker.THREAD, line.run, patience_s=PATIENCE_S)
    supervisor.spawn(chores.THREAD, beside.run, patience_s=PATIENCE_S)
