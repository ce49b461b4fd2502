"""Made-up names of people and firms."""

import numpy as np

FAMILY = "王李张刘陈杨赵黄周吴徐孙胡朱高林何郭马罗梁宋郑谢韩唐冯于董萧程曹袁邓许傅沈曾彭吕"
GIVEN_FIRST = "建国伟秀文志海晓雅思明玉春丽俊子雨欣浩佳天梦嘉泽若美永立宇"
GIVEN_SECOND = "华强芳军敏静磊洋艳勇杰娟涛超霞平刚英梅琳宁博凯雪婷阳轩怡涵"
PINYIN = {
    "wang.min": "王敏",
    "li.jianhua": "李建华",
    "zhang.yuting": "张雨婷",
    "liu.haoran": "刘浩然",
    "chen.simin": "陈思敏",
    "yang.zhijun": "杨志军",
}
ENGLISH_STAFF = {"emma.clarke": "Emma Clarke", "daniel.novak": "Daniel Novak"}
ENGLISH_FAMILY = (
    "Miller",
    "Hughes",
    "Carter",
    "Novak",
    "Rossi",
    "Keller",
    "Martin",
    "Olsen",
    "Reid",
    "Walsh",
)
ENGLISH_GIVEN = ("Anna", "Tom", "Laura", "Peter", "Julia", "Marc", "Nina", "Paul", "Sarah", "David")

PLACE = ("青溪", "云河", "临江", "白石", "东湖", "长桥", "新港", "梅岭", "清泉", "南浦", "金沙", "柳林")
TRADE = ("食品", "纺织", "印染", "电子", "机械", "化工", "造纸", "制药", "饮料", "建材", "塑胶", "包装")
DISTRICTS = ("河东片区", "河西片区", "城南片区", "城北片区", "老城片区", "开发区", "湖滨片区", "山前片区")


def people(rng: np.random.Generator, count: int, english: np.ndarray) -> list[str]:
    """Return `count` names, English ones where `english` is true."""
    family = rng.integers(0, 1 << 30, count)
    first, second = rng.integers(0, 1 << 30, (2, count))
    single = rng.random(count) < 0.2
    return [
        f"{ENGLISH_GIVEN[a % len(ENGLISH_GIVEN)]} {ENGLISH_FAMILY[f % len(ENGLISH_FAMILY)]}"
        if foreign
        else FAMILY[f % len(FAMILY)]
        + ("" if short else GIVEN_FIRST[a % len(GIVEN_FIRST)])
        + GIVEN_SECOND[b % len(GIVEN_SECOND)]
        for f, a, b, short, foreign in zip(family, first, second, single, english, strict=True)
    ]


def factory(number: int) -> str:
    """Return the name of the factory of that number; no two alike below 144."""
    turn = number // len(PLACE)
    return f"{PLACE[number % len(PLACE)]}{TRADE[(number * 5 + turn) % len(TRADE)]}厂"


def district(number: int) -> str:
    """Return the name of the DMA of that number."""
    turn = number // len(DISTRICTS)
    return DISTRICTS[number % len(DISTRICTS)] + (f"{turn + 1}区" if turn else "")
