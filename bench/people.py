"""Made-up customers with the names and addresses that a Chinese utility's have: common ones very common."""

import random
from collections.abc import Iterator
from dataclasses import dataclass


def _words(text: str) -> list[str]:
    return text.split()


# The hundred surnames that nine in ten people carry, the most common first; weights fall off as theirs do.
SURNAMES = (
    "王李张刘陈杨黄赵吴周徐孙马朱胡郭何林高罗郑梁谢宋唐许韩冯邓曹彭曾肖田董袁潘于蒋蔡余杜叶程苏魏吕丁任沈"
    "姚卢姜崔钟谭陆汪范金石廖贾夏韦付方白邹孟熊秦邱江尹薛闫段雷侯龙史陶黎贺顾毛郝龚邵万钱严覃武戴莫孔向汤"
)
GIVEN = (
    "伟芳娜敏静丽强磊军洋勇艳杰娟涛明超秀霞平刚桂英华玉兰红建国文志梅鑫宇欣怡子涵浩然佳琪雨晨思梦婷雪琳"
    "海燕春龙飞鹏辉玲俊峰晓东波斌萍莉荣光新永福生德林凤云珍贵美慧颖洁倩凯博豪轩一诺可馨语嫣若曦奕辰睿沐"
    "泽瑞安宁康乐天成少卿世昌立本维翰启航景行亦凡正阳立群跃进爱民素芬淑贞金花银环翠莲长贵来顺有才根生水根"
)
LATIN_GIVEN = _words(
    "James Mary Robert Patricia John Jennifer Michael Linda David Elizabeth William "
    "Barbara Richard Susan Joseph Jessica Thomas Sarah Christopher Karen Charles Lisa "
    "Daniel Nancy Matthew Sandra Anthony Betty Mark Ashley Steven Emily Andrew Kimberly "
    "Paul Margaret Joshua Donna Kenneth Michelle Kevin Carol Brian Amanda George Melissa "
    "José Zoë Jürgen Søren Aleksandra Giulia François Chloé"
)
LATIN_FAMILY = _words(
    "Smith Johnson Williams Brown Jones Garcia Miller Davis Rodriguez Martinez Hernandez "
    "Lopez Gonzalez Wilson Anderson Thomas Taylor Moore Jackson Martin Lee Perez Thompson "
    "White Harris Sanchez Clark Ramirez Lewis Robinson Walker Young Allen King Wright "
    "Scott Torres Nguyen Hill Flores Green Adams Nelson Baker Hall Rivera Campbell "
    "Mitchell Carter Roberts Schneider Müller Dubois Rossi Kowalski Novák Ivanov Petrov"
)
ROADS = _words(
    "中山 解放 人民 建设 和平 长江 黄河 北京 南京 上海 珞喻 武珞 友谊 青年 胜利 新华 文化 学府 工农 "
    "民主 光谷 滨江 沿河 湖滨 东风 红旗 朝阳 幸福 团结 前进 金融 科技 创业 "
    "软件园 梅园 桃源 紫阳 黄鹤 楚雄 江汉 汉口 武昌 汉阳"
)
AREAS = ("江岸区", "江汉区", "硚口区", "汉阳区", "武昌区", "青山区", "洪山区", "东西湖区")
ESTATES = _words(
    "阳光 绿地 万科 保利 碧桂园 恒大 金地 中海 华润 龙湖 世茂 雅居乐 翡翠 御景 锦绣 丽岛 水岸 星河 香榭 橡树"
)
ENDS = ("花园", "小区", "家园", "公寓", "新村", "广场", "名都", "城")
TRADES = _words(
    "医院 中学 小学 大学 酒店 餐饮有限公司 物业管理有限公司 食品有限公司 "
    "纺织厂 机械厂 超市 幼儿园 银行 化工有限公司 印染厂 汽车服务有限公司 洗浴中心"
)
LATIN_PLACES = _words(
    "Zhongshan Jianghan Wuchang Hongshan Guanggu Riverside Eastlake Yangtze Union Golden Phoenix"
)
LATIN_TRADES = _words(
    "Hospital Hotel Brewery Foods Textiles Plaza Laundry School Clinic Logistics Chemicals Bakery"
)


@dataclass(frozen=True)
class Person:
    """A customer: account number, name, address, phone, e-mail and the serial of the meter."""

    account_no: str
    name: str
    address: str
    phone: str
    email: str
    serial: str


def people(count: int, seed: int = 1) -> Iterator[Person]:
    """Yield `count` customers: 88 % Chinese people, 6 % firms and institutions, 6 % with Latin names."""
    rng = random.Random(seed)  # noqa: S311 - names, not secrets
    surname_weights = [1 / (n + 6) for n in range(len(SURNAMES))]
    given_weights = [1 / (n + 15) for n in range(len(GIVEN))]
    surnames = rng.choices(SURNAMES, surname_weights, k=count)
    givens = rng.choices(GIVEN, given_weights, k=2 * count)
    for n in range(count):
        kind = rng.random()
        if kind < 0.88:
            name = surnames[n] + givens[2 * n] + (givens[2 * n + 1] if kind < 0.70 else "")
        elif kind < 0.94:
            name = _firm(rng)
        elif kind < 0.955:
            name = f"{rng.choice(LATIN_PLACES)} {rng.choice(LATIN_TRADES)} {rng.randrange(1, 400)}"
        else:
            name = f"{rng.choice(LATIN_GIVEN)} {rng.choice(LATIN_FAMILY)}"
        yield Person(
            f"{10_000_000 + n * 7}",
            name,
            _address(rng),
            f"1{rng.choice('3578')}{rng.randrange(10**9):09d}",
            f"c{n}@{rng.choice(('qq', '163', 'example'))}.example",
            f"JC{n * 13 % 10**8:08d}",
        )


def _firm(rng: random.Random) -> str:
    place = rng.choice(("江城", "江城市", "武汉", "湖北", ""))
    number = rng.choice(("", "", "第一", "第二", "第三", "第四", "第五", "第十二"))
    return f"{place}{rng.choice(ROADS + ESTATES)}{number}{rng.choice(TRADES)}"


def _address(rng: random.Random) -> str:
    road = rng.choice(ROADS) + rng.choice(("路", "大道", "街"))
    place = f"江城市{rng.choice(AREAS)}{road}{rng.randrange(1, 900)}号"
    if rng.random() < 0.7:
        estate = rng.choice(ESTATES) + rng.choice(ENDS)
        place += f"{estate}{rng.randrange(1, 40)}栋{rng.randrange(1, 34)}0{rng.randrange(1, 5)}室"
    return place
