"""Customers are found by whatever is known of them, in Chinese, pinyin or Latin, with typing errors."""

from collections.abc import Iterator
from typing import Any

import pytest

from jobs.stack import StackUrls
from service.search import search
from sql.pool import Connection, connect
from tests import factories
from tests.databases import fresh_database

TOWN: list[dict[str, Any]] = [
    {"account_no": "10023417", "name": "李娜", "phone": "+86 138-0013-8000", "address": "江城市中山路 15 号"},
    {"account_no": "10023418", "name": "黎娜", "phone": "027 5550 0147", "address": "江城市解放路 3 号"},
    {"account_no": "10023419", "name": "李娜", "address": "江城市人民路 8 号"},
    {"account_no": "20000001", "name": "江城市第三医院", "address": "江城市中山大道 100 号"},
    {"account_no": "20000002", "name": "Zhongshan Hospital", "email": "Facility@Hospital.example"},
    {"account_no": "20000003", "name": "James Müller", "address": "12 Riverside Road"},
    {"account_no": "20000004", "name": "张小明"},
    {"account_no": "20000005", "name": "单田芳"},
    {"account_no": "20000006", "name": "重庆火锅 ＡＢＣ 餐厅"},
    {"account_no": "20000007", "name": "王伟"},
    {"account_no": "20000008", "name": "Kowalski Brewery"},
    {"account_no": "20000009", "name": "Садовая улица"},
]


@pytest.fixture(scope="module")
def town(stack: StackUrls, template_database: str) -> Iterator[tuple[Connection, Connection]]:
    """A small town: the owner's connection and one of the API."""
    with (
        fresh_database(stack.database_url, template_database) as url,
        connect(url, "owner", autocommit=True) as owner,
        connect(url, "api", autocommit=True) as api,
    ):
        anna = factories.staff(owner, "anna")
        for number, values in enumerate(TOWN):
            given = {key: value for key, value in values.items() if key != "account_no"}
            manager = anna if values["account_no"] == "10023417" else None
            factories.customer(owner, values["account_no"], f"JC-{number:05}", manager_id=manager, **given)
        owner.execute("update service_point set address = '江城市光谷大道 77 号' where code = 'sp-20000007'")
        as_(api, "all")
        yield owner, api


def as_(conn: Connection, sees: str, staff: str = "") -> None:
    conn.execute(
        "select set_config('headwater.sees', %s, false), set_config('headwater.staff', %s, false)",
        [sees, staff],
    )


def names(town: tuple[Connection, Connection], asked: str) -> list[str]:
    return [hit["name"] for hit in search(town[1], asked)]


def first(town: tuple[Connection, Connection], asked: str) -> tuple[str, str]:
    hits = search(town[1], asked)
    return (hits[0]["name"], hits[0]["matched"]) if hits else ("", "")


@pytest.mark.parametrize(
    ("asked", "name", "matched"),
    [
        ("10023417", "李娜", "account_no"),
        ("１００２３４１８", "黎娜", "account_no"),
        ("2000000", "江城市第三医院", "account_no"),
        ("JC-00003", "江城市第三医院", "meter"),
        ("jc-00003", "江城市第三医院", "meter"),
        ("00003", "江城市第三医院", "meter"),
        ("13800138000", "李娜", "phone"),
        ("+86 138 0013 8000", "李娜", "phone"),
        ("138 0013", "李娜", "phone"),
        ("8000", "李娜", "phone"),
        ("(027) 5550-0147", "黎娜", "phone"),
        ("facility@hospital", "Zhongshan Hospital", "email"),
        ("李娜", "李娜", "name"),
        ("娜", "李娜", "name"),
        ("lina", "李娜", "name"),
        ("Li Na", "李娜", "name"),
        ("ln", "李娜", "name"),
        ("zhangxiaoming", "张小明", "name"),
        ("xiaoming", "张小明", "name"),
        ("zxm", "张小明", "name"),
        ("shantianfang", "单田芳", "name"),
        ("dantianfang", "单田芳", "name"),
        ("chongqing", "重庆火锅 ＡＢＣ 餐厅", "name"),
        ("abc", "重庆火锅 ＡＢＣ 餐厅", "name"),
        ("第三医院", "江城市第三医院", "name"),
        ("disanyiyuan", "江城市第三医院", "name"),
        ("医院 江城", "江城市第三医院", "name"),
        ("muller", "James Müller", "name"),
        ("MÜLLER james", "James Müller", "name"),
        ("hospital zhongshan", "Zhongshan Hospital", "name"),
        ("hosp", "Zhongshan Hospital", "name"),
        ("садовая", "Садовая улица", "name"),
        ("中山路", "李娜", "address"),
        ("zhongshanlu", "李娜", "address"),
        ("riverside", "James Müller", "address"),
        ("光谷大道", "王伟", "address"),
        ("李娜 中山路", "李娜", "name and address"),
        ("中山路 15", "李娜", "name and address"),
        ("张晓明", "张小明", "name"),
        ("章小明", "张小明", "name"),
        ("江城第三医院", "江城市第三医院", "similar name"),
        ("江城三院", "江城市第三医院", "similar name"),
        ("江城市第四医院", "江城市第三医院", "similar name"),
        ("张大明", "张小明", "similar name"),
        ("zhangxaioming", "张小明", "similar name"),
        ("zhongshan hosptal", "Zhongshan Hospital", "similar name"),
        ("kowalsky", "Kowalski Brewery", "similar name"),
        ("brewry", "Kowalski Brewery", "similar name"),
    ],
)
def test_it_is_found(town: tuple[Connection, Connection], asked: str, name: str, matched: str) -> None:
    assert first(town, asked) == (name, matched)
