"""What can't work is refused at start, with the cure; what may come is waited for."""

import pytest
import structlog
from structlog.testing import capture_logs

from core.clock import SystemClock
from core.errors import SettingsError
from core.supervise import Supervisor
from ingest import role
from ingest.routes import Routes
from jobs.stack import PrivateBroker
from sql.pool import Connection
from tests.ingest.line import Line, singles
from tests.waiting import until


@pytest.mark.parametrize(
    ("topics", "told"),
    [
        ({}, "is empty"),
        ({"meters/+/readings": "nativ"}, "There are: native"),
        ({"meters/x/readings": "native"}, "Put `\\+` in its place"),
        ({"meters/+x/readings": "native"}, "no MQTT topic filter"),
        ({"meters/#/+": "native"}, "no MQTT topic filter"),
        ({"$share/group": "native"}, "no MQTT topic filter"),
    ],
)
def test_bad_topics_are_refused_with_the_cure(topics: dict[str, str], told: str) -> None:
    with pytest.raises(SettingsError, match=told):
        Routes(topics)


@pytest.mark.parametrize(
    ("topic_filter", "topic", "meter"),
    [
        ("meters/+/readings", "meters/m1/readings", "m1"),
        ("$share/g/meters/+/readings", "meters/m1/readings", "m1"),
        ("+/x/+/#", "m1/x/y/z/w", "m1"),
        ("+/x/#", "m1/x", "m1"),
        ("a.b/+", "a.b/m\n1", "m\n1"),
        ("meters/+/readings", "meters/m1/m2/readings", None),
        ("a.b/+", "acb/m1", None),
    ],
)
def test_topic_names_the_meter(topic_filter: str, topic: str, meter: str | None) -> None:
    found = Routes({topic_filter: "native"}).find(topic)
    assert (found[1] if found else None) == meter


@pytest.mark.parametrize("url", ["http://host", "host:1883", "mqtt://", "mqtt://user:secret@"])
def test_bad_broker_address_is_refused_without_its_password(line: Line, url: str) -> None:
    with pytest.raises(SettingsError, match="HEADWATER_MQTT_URL") as caught:
        role.start(Supervisor(), line.settings(mqtt_url=url), SystemClock(), line.database_url)
    assert "secret" not in str(caught.value)


def test_broker_and_database_that_come_later_are_waited_for(database_url: str, conn: Connection) -> None:
    with PrivateBroker() as broker:
        line = Line(database_url, broker.url, conn, "private")
        meters = line.meters(1)
        broker.stop()
        supervisor = Supervisor()
        role.start(supervisor, line.settings(), SystemClock(), database_url)
        broker.start()
        line.wait_until_subscribed(supervisor)
        line.publish(singles(meters, 1))
        until(line.readings)
        assert not supervisor.stop()


def test_second_ingester_with_the_same_client_id_is_told(line: Line) -> None:
    line.meters(1)
    with line.running(), capture_logs() as logs:
        second = Supervisor()
        role.start(second, line.settings(), SystemClock(), line.database_url)
        until(lambda: [entry for entry in logs if "client id" in entry["event"]])
        second.stop()
    structlog.reset_defaults()
