"""Today, as an account manager sees it in a browser."""

import pytest

from tests.web.conftest import Surf
from tests.web.surf import PHONE, WIDE


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("size", [WIDE, PHONE])
def test_today_has_no_barriers_and_only_own_tickets(surf: Surf, language: str, size: tuple[int, int]) -> None:
    anna = surf("anna", language, size=size, dark=size == PHONE)
    page = anna.open("/")
    assert page.locator("[data-row]").count() == 1
    assert page.locator("h1").inner_text() == ("Today" if language == "en" else "今天")
    anna.check()
