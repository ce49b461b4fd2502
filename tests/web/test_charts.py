"""What a chart is sent is what the meter measured, for those who may see it; and the browser draws it."""

import json
from pathlib import Path

import numpy as np
import pytest

from tests.api.town import Town
from tests.web.conftest import SignedIn, Surf
from web.assets import asset


def read_chart(body: bytes) -> tuple[dict, list[np.ndarray]]:
    length = int.from_bytes(body[:4], "little")
    head = json.loads(body[4 : 4 + length])
    at = np.frombuffer(body, "<f8", head["n"], 4 + length)
    place, lines = 4 + length + 8 * head["n"], []
    for _ in head["lines"]:
        lines.append(np.frombuffer(body, "<f4", head["n"], place))
        place += -(-4 * head["n"] // 8) * 8
    assert place == len(body)
    return head, [at, *lines]


@pytest.mark.parametrize("show", ["use", "flow"])
def test_a_chart_holds_what_was_measured_and_ends_in_a_gap(
    signed_in: SignedIn, town: Town, show: str
) -> None:
    answer = signed_in("anna", "zh").get(f"/charts/meters/{town.anna.serial}?show={show}")
    head, (at, value) = read_chart(answer.content)
    assert head["lines"] == [
        {"label": {"use": "用水量", "flow": "流量"}[show], "unit": "L/h", "look": "step"}
    ]
    assert np.all(np.diff(at) > 0)
    known = np.isfinite(value)
    assert known.sum() == {"use": 48, "flow": 191}[show]
    assert np.allclose(value[known], 100)
    assert not known[-1]


def test_an_event_is_drawn_with_its_onset_and_threshold(signed_in: SignedIn, town: Town) -> None:
    head, _ = read_chart(signed_in("anna").get(f"/charts/events/{town.anna.event_id}").content)
    assert [span["kind"] for span in head["spans"]] == ["event"]
    assert [mark["label"] for mark in head["marks"]] == ["Onset"]


def test_nobody_sees_another_managers_meter(signed_in: SignedIn, town: Town) -> None:
    bo = signed_in("bo")
    assert bo.get(f"/charts/meters/{town.anna.serial}").status_code == 404
    assert bo.get(f"/charts/events/{town.anna.event_id}").status_code == 404


def test_the_browser_draws_a_hundred_thousand_points(surf: Surf, town: Town) -> None:
    anna = surf("anna")
    page = anna.open("/")
    script = Path(__file__).with_name("year.js").read_text()
    page.evaluate(script, [asset("vendor/uplot.js"), asset("chart.js")])
    ends = "[plot.scales.x.min, plot.scales.x.max]"
    assert page.evaluate(f"{ends}[1] - {ends}[0]") > 360 * 86_400
    box = page.locator("#year .u-over").bounding_box()
    assert box
    page.mouse.move(box["x"] + 100, box["y"] + 50)
    page.mouse.down()
    page.mouse.move(box["x"] + 300, box["y"] + 60, steps=4)
    page.mouse.up()
    assert page.evaluate(f"{ends}[1] - {ends}[0]") < 200 * 86_400, "dragging zooms"
    assert page.locator("#year .u-legend .u-value").nth(1).inner_text().endswith("L/h"), (
        "the value under the hand"
    )
    anna.check()
