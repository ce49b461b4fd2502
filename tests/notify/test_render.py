"""Every advice in both languages: complete, without a gap, a placeholder or a figure that isn't one."""

import re
from itertools import product
from typing import Any

import pytest

from notify.figures import DETECTORS, figures
from notify.render import Renderer
from notify.words import Words
from service.facts import facts
from service.saving import UseProfile
from tests.notify.making import SECTORS, STEPS, document, message

RENDERER = Renderer(Words("https://water.example/api/"))
WRONG = re.compile(
    r"None|nan\b|\binf\b|NaN|Undefined|\{\{|\}\}|\{%|<built-in|&amp;amp;"  # what is no word
    r"|\S  \S|（）|\(\)|，，|。。|,,|， |，。|, ,| ,|^-[^\n]*[:：] *$",  # gaps
    re.M,
)
CHINESE = re.compile(r"[\u4e00-\u9fff]")


def check(text: str) -> None:
    assert not WRONG.search(text), WRONG.search(text)


def words_of_html(html: str) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", "\n", html))


@pytest.mark.parametrize("language", ["zh", "en"])
@pytest.mark.parametrize(("detector", "sector"), list(product((*DETECTORS, "other"), (*SECTORS, None))))
def test_every_combination_renders(detector: str, sector: str | None, language: str) -> None:
    for step in STEPS:
        said = RENDERER.render(message(document(detector, sector=sector, step=step), language=language))
        for text in (said.subject, said.text, words_of_html(said.html)):
            assert text.strip()
            check(text.replace("\n ", "\n"))
        assert "\n" not in said.subject
        assert "#12" in said.subject
        assert "https://water.example/api/tickets/12" in said.text
        assert "https://water.example/api/tickets/12" in said.html


@pytest.mark.parametrize("language", ["zh", "en"])
@pytest.mark.parametrize(("detector", "sector"), list(product(DETECTORS, (*SECTORS, None))))
def test_every_advice_has_causes_checks_and_a_text_to_send_on(
    detector: str, sector: str | None, language: str
) -> None:
    about = facts(document(detector, sector=sector))
    advice = RENDERER.advice(about, language)
    assert len(advice.causes) >= 3
    assert len(advice.checks) >= 3
    assert len(set(advice.causes + advice.checks)) == len(advice.causes + advice.checks)
    assert advice.forward.count("\n") >= 3
    for line in [advice.title, advice.found, *advice.causes, *advice.checks, advice.forward]:
        check(line)
        if language == "zh":
            assert CHINESE.search(line)


@pytest.mark.parametrize("language", ["zh", "en"])
@pytest.mark.parametrize("detector", [*DETECTORS, "other"])
def test_every_segment_adds_what_comes_first_and_a_word_to_the_customer(detector: str, language: str) -> None:
    for sector in SECTORS:
        told = {}
        for segment in ("general", "large", "special", "vulnerable"):
            about = facts(document(detector, sector=sector, segment=segment, theirs=language))
            advice = told[segment] = RENDERER.advice(about, language)
            for line in [advice.title, advice.found, *advice.causes, *advice.checks, advice.forward]:
                check(line)
                if language == "zh":
                    assert CHINESE.search(line), line
            assert advice.forward.endswith("江城水务")
            assert len(set(advice.checks)) == len(advice.checks)
        plain = told.pop("general")
        for advice in told.values():
            assert advice.checks[1:] == plain.checks
            assert len(advice.forward.splitlines()) == len(plain.forward.splitlines()) + 1
        assert len({advice.checks[0] for advice in told.values()}) == 3
        assert len({advice.forward for advice in told.values()}) == 3


@pytest.mark.parametrize("detector", [*DETECTORS, "other"])
def test_an_english_mail_has_no_chinese_but_names(detector: str) -> None:
    for step in STEPS:
        said = RENDERER.render(message(document(detector, theirs="en", step=step), language="en"))
        text = said.subject + said.text + words_of_html(said.html)
        for name in ("陈静", "王丽", "江城水务", "滨江三区"):
            text = text.replace(name, "")
        assert not CHINESE.search(text)


def test_the_sectors_get_different_advice() -> None:
    for detector, language in product(DETECTORS, ("zh", "en")):
        told = {
            tuple(RENDERER.advice(facts(document(detector, sector=sector)), language).causes)
            for sector in SECTORS
        }
        assert len(told) == len(SECTORS), (detector, language)


def test_the_figures_of_a_leak_stand_in_the_mail() -> None:
    said = RENDERER.render(message(document()))
    for text in (said.text, words_of_html(said.html)):
        for figure in (
            "42.3 升/小时",
            "11月20日（周五）02:30",
            "31 小时",
            "1.3 立方米",
            "¥4.46",
            "30.5 立方米",
            "张伟",
            "A-1001",
            "滨江区江南大道",
            "+86 571 8800 1234",
            "11月22日（周日）09:30",
            "11月23日（周一）09:30",
            "Asia/Shanghai (UTC+08:00)",
            "#7、#9",
        ):
            assert figure in text, figure


def test_urgent_mails_say_so_and_why() -> None:
    zh = RENDERER.render(message(document(urgent=True, segment="large")))
    assert zh.subject.startswith("【紧急】")
    assert "绿色通道：大客户、疑似爆管、严重程度：紧急" in zh.text
    en = RENDERER.render(message(document(urgent=True, segment="large"), language="en"))
    assert en.subject.startswith("[Urgent] ")
    assert "green channel: large customer, suspected burst, severity: critical" in en.text


@pytest.mark.parametrize(
    ("step", "deadline", "subject", "says"),
    [
        (
            "warned",
            "response",
            "【时限预警】{}，请于 11月22日（周日）09:30 前响应 [#12]",
            "工单 #12 的首次响应时限为 11月22日（周日）09:30，目前尚未响应",
        ),
        (
            "urged",
            "resolution",
            "【催办】{}，办结时限已到 [#12]",
            "工单 #12 的办结时限已于 11月22日（周日）09:30 到期，目前尚未办结",
        ),
        (
            "escalated",
            "resolution",
            "【超时督办】{}，办结已超时，责任人 王丽 [#12]",
            "责任人 王丽 尚未办结。请督促处理，必要时改派。这是第 2 次上报。",
        ),
    ],
)
def test_a_reminder_says_which_deadline_and_what_to_do(
    step: str, deadline: str, subject: str, says: str
) -> None:
    about = document(step=step)
    about["clock"]["deadline"] = deadline
    said = RENDERER.render(message(about))
    assert said.subject == subject.format("疑似漏水（持续用水）：张伟（A-1001），约 42.3 升/小时")
    assert says in said.text
    assert says in words_of_html(said.html)
    # Who is above the assignee isn't addressed as the one who looks after the customer.
    assert ("您正在代理客户经理的工作" in said.text) == (step != "escalated")
    assert ("可直接转发给客户的文字" in said.text) == (step != "escalated")
    en = RENDERER.render(message(about, language="en"))
    assert {"warned": "[Due soon]", "urged": "[Due now]", "escalated": "[Overdue]"}[step] in en.subject


def test_the_text_to_send_on_is_in_the_customer_s_language_not_the_manager_s() -> None:
    said = RENDERER.render(message(document(theirs="en"), language="zh"))
    assert "Dear Jane Miller," in said.text
    said = RENDERER.render(message(document(theirs="zh"), language="en"))
    assert "尊敬的张伟：" in said.text


@pytest.mark.parametrize(
    "broken", [{}, {"rate_lph": "NaN"}, {"rate_lph": None, "threshold_lph": float("inf")}]
)
@pytest.mark.parametrize("detector", DETECTORS)
def test_missing_evidence_leaves_words_out_not_gaps(detector: str, broken: dict[str, Any]) -> None:
    about = document(detector)
    about["event"] |= {"evidence": {detector: broken}, "magnitude": "NaN", "loss_m3": 0, "money": None}
    for field in ("address", "phone", "email", "shifts"):
        about["customer"][field] = None
    about |= {"meter": None, "dma": None, "addressee": {"name": ""}}
    about["utility"] = {}
    about["ticket"]["related"] = []
    for language, step in product(("zh", "en"), STEPS):
        about["clock"] = document(step=step)["clock"]
        about["event"]["cleared_at"] = about["event"]["last_seen"] if step == "cleared" else None
        said = RENDERER.render(message(about | {"step": step}, language=language))
        for text in (said.subject, said.text, words_of_html(said.html)):
            check(text.replace("\n ", "\n"))


def test_names_are_text_in_html_not_markup() -> None:
    about = document()
    about["customer"]["name"] = "<script>alert(1)</script> & Co"
    said = RENDERER.render(message(about))
    assert "<script>" not in said.html
    assert "&lt;script&gt;" in said.html
    assert "<script>alert(1)</script> & Co" in said.text


def test_a_burst_leads_when_several_detectors_saw_the_event() -> None:
    about = document("burst")
    about["event"]["detectors"] = ["continuous_flow", "burst"]
    assert figures(facts(about), "zh").detector == "burst"


def test_a_detector_without_advice_gets_the_general_one() -> None:
    said = RENDERER.render(message(document("other")))
    assert "用水异常" in said.subject


@pytest.mark.parametrize("language", ["zh", "en"])
def test_each_kind_of_jump_has_advice_of_its_own(language: str) -> None:
    told = set()
    for kind in ("rollover", "exchange", "backflow", "misread", "clash"):
        about = document("register_jump", sector="residential")
        about["event"]["evidence"]["register_jump"] = {"kind": kind, "before_l": 52_003.0, "after_l": 7.0}
        advice = RENDERER.advice(facts(about), language)
        told.add((advice.title, advice.found, tuple(advice.causes), tuple(advice.checks)))
        assert "52,003" in advice.found
        check("\n".join([advice.title, advice.found, *advice.causes, *advice.checks]))
    assert len({title for title, *_ in told}) == len({checks for *_, checks in told}) == 5


@pytest.mark.parametrize("language", ["zh", "en"])
def test_a_silent_gateway_is_told_as_one(language: str) -> None:
    about = document("silent", sector=None)
    about["event"]["evidence"]["silent"] = {"reason": "gateway", "meters": [f"m-{n}" for n in range(50)]}
    advice = RENDERER.advice(facts(about), language)
    assert "50" in advice.found and len(advice.causes) >= 3
    check("\n".join([advice.title, advice.found, *advice.causes, *advice.checks]))


USES = {
    "all": UseProfile(28, 300.0, 100.0, 1 / 3, 73.0, 0.25, 54.8, 900.0, 100.0, 9.0),
    "still at night": UseProfile(28, 300.0, 0.0, 0.0, 0.0, None, None, 900.0, 0.0, float("inf")),
    "even": UseProfile(28, 300.0, 290.0, 0.97, 211.7, 0.0, 0.0, 310.0, 290.0, 1.07),
    "nothing to say": UseProfile(28, 300.0, 3.0, 0.01, 2.2, 0.02, 4.4, 400.0, 200.0, 2.0),
}


@pytest.mark.parametrize("language", ["zh", "en"])
@pytest.mark.parametrize("name", USES)
@pytest.mark.parametrize("detector", ["continuous_flow", "off_shift", "plan_overrun"])
def test_an_industrial_customer_is_told_where_water_could_be_saved(
    detector: str, name: str, language: str
) -> None:
    use = USES[name]
    for priced in (True, False):
        about = document(detector, sector="industrial", theirs=language)
        about["utility"]["price_m3"] = 3.4 if priced else None
        said = RENDERER.render(message(about, language=language), use=use)
        for text in (said.text, words_of_html(said.html)):
            check(text.replace("\n ", "\n"))
            assert ("节水" in text if language == "zh" else "could be saved" in text) == bool(use.findings)
            if name == "all":
                assert "73 立方米" in text if language == "zh" else "73 m³ a month" in text
                assert (("¥248" in text) if language == "zh" else ("248.20" in text)) == priced
