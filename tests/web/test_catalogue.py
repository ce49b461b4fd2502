"""Nothing that a reader may be shown lacks its Chinese, and no translation loses a figure."""

import re

import pytest

from detection.catalogue import DETECTORS
from jobs.schedule import JOBS
from web.extract import messages, missing
from web.labels import LABELS
from web.sources import Source, sources, templates
from web.told import LONGEST, PLACE, form, forms, told
from web.tongue import catalogue

_PLACE = re.compile(r"%\(\w+\)[sd]")
TOLD = catalogue("zh", "told")
ALREADY = re.compile(r"[\u4e00-\u9fff]")


def test_everything_shown_has_its_chinese() -> None:
    found = [m.id for m in missing() if m.id]
    assert found == [], "put these into web/locale/zh (python -m web.extract prints them)"


def test_every_translation_keeps_its_places() -> None:
    for source, (given, *_) in [*catalogue("zh").items(), *TOLD.items()]:
        assert set(_PLACE.findall(given)) == set(_PLACE.findall(source)), source


def test_no_translation_is_left_of_a_text_that_is_gone() -> None:
    shown = {m if isinstance(m, str) else m[0] for _, _, m in messages()}
    assert set(catalogue("zh")) <= shown
    assert set(TOLD) <= set(templates())


def test_labels_speak_chinese() -> None:
    words = {text for kind in LABELS.values() for text in kind.values()}
    assert len(words) > 90
    assert {w for w in words if w not in catalogue("zh")} <= {"中文", "English"}


def test_texts_of_other_rooms_are_found_however_they_are_put_together() -> None:
    source = """
CURES = {"mail": "Write a mail.", "sms": "Write a number."}
def refuse(n, by, at, kind, left):
    since = f" since {at:%F}, by {by}" if at else ""
    said = f"Thing {n} is away{since}: " + "look later."
    raise ConflictError(said, cure=CURES[kind])
def wrong(what):
    return BadDataError(f"No {what} like {what.name!r}.", cure="Use " + ", ".join(what.all) + ".")
def both():
    wrong("pump of ours"), wrong("valve of ours")
"""
    assert {text for text, _ in Source("service/x.py", source).texts()} == {
        "Thing %(n)s is away since %(at)s, by %(by)s: look later.",
        "Thing %(n)s is away: look later.",
        "Write a mail.",
        "Write a number.",
        "No pump of ours like %(name)s.",
        "No valve of ours like %(name)s.",
        "Use %(all)s.",
    }


def test_templates_are_gathered_from_every_room() -> None:
    rooms = {name.split("/")[0] for name, _ in templates().values()}
    assert rooms == {
        *("api", "core", "detection", "ingest", "jobs", "notify", "pydantic", "service", "sql", "web")
    }
    assert len(templates()) > 600


def test_no_error_is_put_together_in_a_way_that_is_not_read() -> None:
    """What is left unread is another error's words, or `TIME_CURE`, which is marked where it stands."""
    passed = {text for _, source in sources() for text in source.passed_on()}
    elsewhere = {f"{error}.{part}" for error in ("problem", "unknown") for part in ("message", "cure")}
    assert passed <= {"message", "cure", "TIME_CURE", *elsewhere}


def _instance(template: str) -> str:
    return PLACE.sub(lambda place: f"<{place[1]}>", template)


def test_each_template_is_known_again_with_anything_in_its_places() -> None:
    """The very one, though others may fit as well; what stood in its places stands in the Chinese."""
    for template, (given, *_) in TOLD.items():
        text = _instance(template)
        if PLACE.search(template):
            fitting = [source for pattern, source, _ in forms("zh") if pattern.fullmatch(text)]
            assert fitting[0] == template
            assert form(template).fullmatch(PLACE.sub(lambda _: "a. b\nc", template))
        assert told("zh", text) == _instance(given)


def test_what_detectors_find_and_jobs_do_is_chinese() -> None:
    meant = [text for d in DETECTORS.values() for text in (d.finds, *(p.meaning for p in d.params))]
    meant += [job.about for job in JOBS]
    assert len(meant) > 100
    assert [text for text in meant if not ALREADY.search(told("zh", text))] == []
    assert {p.unit for d in DETECTORS.values() for p in d.params} <= {
        *LABELS["unit"],
        "L",
        "L/d",
        "L/h",
        "V",
        "kPa",
    }


@pytest.mark.parametrize(
    ("text", "chinese"),
    [
        (
            "Ticket 5 is resolved: it can't be acknowledged."
            " Last change: resolve by li (Li Ming) at 2026-11-21 08:00 UTC.",
            "工单 5 的状态为“已解决”，不能改为“已受理”。"
            "最近一次变更：已解决（li (Li Ming)，2026-11-21 08:00 UTC）。",
        ),
        ("Allowed now: confirm, reopen.", "当前可执行的操作：确认、重新受理。"),
        (
            "Requeued 2026-11-21 08:00:00Z, refused again:"
            " Meter 'x' is not registered. Register it, then requeue.",
            "2026-11-21 08:00:00Z 重新处理，再次被拒收：水表 'x' 未登记。请先登记，再重新处理。",
        ),
        (
            "2026-10: 3 DMAs, 4 sensors; 2026-11: 3 DMAs, 4 sensors",
            "2026-10：3 个分区，4 个测点；2026-11：3 个分区，4 个测点",
        ),
        ("250 2.0.0 queued as 7A1", "250 2.0.0 queued as 7A1"),
        ("This is over. A word from elsewhere.", "This is over. A word from elsewhere."),
        ("Say why. A word from elsewhere.", "请写明原因。 A word from elsewhere."),
    ],
)
def test_codes_sentences_and_strangers_words(text: str, chinese: str) -> None:
    assert told("zh", text) == chinese
    assert told("en", text) == text


def test_a_text_that_almost_fits_everywhere_is_given_up_on() -> None:
    """A reader's own words may stand in a text: none of them makes the page wait."""
    for piece in ("Say why. ", "No event ", " is version 1 since 2 UTC, by ", "Number 1: "):
        text = (piece * LONGEST)[: LONGEST - 1] + "!"
        assert told("zh", text).endswith("!")
