"""Nothing that a reader may be shown lacks its Chinese, and no translation loses a figure."""

import re

from web.extract import messages, missing
from web.labels import LABELS
from web.tongue import catalogue

_PLACE = re.compile(r"%\(\w+\)[sd]")


def test_everything_shown_has_its_chinese() -> None:
    found = [m.id for m in missing() if m.id]
    assert found == [], "put these into web/locale/zh (python -m web.extract prints them)"


def test_every_translation_keeps_its_places() -> None:
    for source, (given, *_) in catalogue("zh").items():
        assert set(_PLACE.findall(given)) == set(_PLACE.findall(source)), source


def test_no_translation_is_left_of_a_text_that_is_gone() -> None:
    shown = {m if isinstance(m, str) else m[0] for _, _, m in messages()}
    assert set(catalogue("zh")) <= shown


def test_labels_speak_chinese() -> None:
    words = {text for kind in LABELS.values() for text in kind.values()}
    assert len(words) > 90
    assert {w for w in words if w not in catalogue("zh")} <= {"中文", "English"}
