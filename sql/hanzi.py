"""The readings of Chinese characters that the search key is made with."""

from collections.abc import Iterator

from pypinyin import lazy_pinyin

from sql.pool import Connection

FIRST, LAST = 0x4E00, 0x9FFF  # the block of unified ideographs


def _table(pairs: str) -> dict[str, str]:
    return {pair[0]: pair[1:] for pair in pairs.split()}


# Where the reading in names of people, places and firms is not the first of the dictionary.
IN_NAMES = _table(
    "长chang 重chong 厦xia 都du 朝chao 乐le 番fan 蚌beng 柏bai 车che 会hui 曾zeng 覃qin 翟zhai 冼xian 缪miao"
)
SURNAMES = _table(
    "单shan 解xie 仇qiu 查zha 区ou 朴piao 盖ge 乐yue 任ren 华hua 宁ning 尉yu 召shao 员yun 纪ji 葛ge "
    "那na 洗xian 句gou 种chong 繁po 黑he"
)


def readings() -> Iterator[tuple[str, str, str | None]]:
    """Yield every character with its reading, and the one it has as a surname where that differs."""
    for point in range(FIRST, LAST + 1):
        character = chr(point)
        pinyin = IN_NAMES.get(character) or "".join(lazy_pinyin(character, errors="ignore"))
        if pinyin:
            surname = SURNAMES.get(character)
            yield character, pinyin, surname if surname != pinyin else None


def fill(conn: Connection) -> None:
    """Copy the readings into the table."""
    with (
        conn.cursor() as cursor,
        cursor.copy("copy hanzi (character, pinyin, as_surname) from stdin") as copy,
    ):
        for row in readings():
            copy.write_row(row)
