"""Robots of chat groups: WeCom, DingTalk, Feishu. They answer HTTP 200 even so; their own code counts.

What the codes mean is the providers' word:
WeCom https://developer.work.weixin.qq.com/document/path/90455 and /91770,
DingTalk https://open.dingtalk.com/document/orgapp/custom-robot-access (20 a minute, else none for ten),
Feishu https://open.feishu.cn/document/client-docs/bot-v3/add-custom-bot (100 a minute, 5 a second, 20 KB).
"""

import base64
import hashlib
import hmac
import json
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import urlencode, urlsplit, urlunsplit

import httpx2

from core.clock import Clock
from notify.channels import Message, Receipt, Result
from notify.channels.fitting import fit
from notify.channels.guard import Guard
from notify.channels.post import EXCERPT, by_status, client, document, post, retry_after_s
from notify.writer import Writer
from sql.pool import Connection
from sql.query import Queries

Q = Queries("reach")
PER_MINUTE = 20
"""What WeCom and DingTalk take from one robot; Feishu takes more, but a group of people does not."""
_MINUTE_S, _TEN_MINUTES_S = 60.0, 600.0
_REPEATED = {"zh": "（可能重复）", "en": "(may be a repeat) "}


class Bot(ABC):
    """A robot: the recipient is its address, its signing secret stands with the person's channels."""

    name: str
    shared = False
    per_minute: int | None = PER_MINUTE

    def __init__(self, clock: Clock, writer: Writer, guard: Guard) -> None:
        self._guard = guard
        self._clock = clock
        self._writer = writer
        self._client = client()

    def prepare(self, conn: Connection, message: Message) -> Callable[[], Receipt]:
        """Make the body; return what posts it, signed then."""
        letter = self._writer.letter(conn, message)
        repeated = _REPEATED.get(message.language, _REPEATED["en"]) if message.repeated else ""
        row = conn.execute(Q["secret"], {"channel": self.name, "address": message.recipient}).fetchone()
        secret = row[0] if row else ""
        subject, text = repeated + letter.subject, letter.text.strip()
        return lambda: self._send(message.recipient, secret, subject, text)

    def _send(self, address: str, secret: str, subject: str, text: str) -> Receipt:
        if refused := self._guard.refused(address):
            return refused
        url, body = self.request(address, secret, subject, text)
        answer = post(self._client, url, json.dumps(body, ensure_ascii=False).encode())
        return answer if isinstance(answer, Receipt) else self._receipt(answer)

    def idle(self) -> None:  # noqa: B027 - nothing is to be done, by any of them
        """Keep the connections: the client closes those that the other end closed."""

    @abstractmethod
    def request(self, address: str, secret: str, subject: str, text: str) -> tuple[str, Mapping[str, Any]]:
        """Return where to post, and what."""

    @abstractmethod
    def code(self, said: Mapping[str, Any]) -> tuple[object, str]:
        """Return the provider's code and its words."""

    @abstractmethod
    def later(self, code: object, words: str) -> float | None:
        """Return after how many seconds it may be tried again, None where never; 0: by our own back-off."""

    def _receipt(self, answer: httpx2.Response) -> Receipt:
        said = document(answer)
        code, words = self.code(said) if said is not None else (None, "")
        if code is None:
            found = by_status(answer)
            if found.result is Result.SENT:
                return Receipt(Result.REFUSED, f"an answer without a code: {found.text}")
            return found
        text = f"{code} {words}"[:EXCERPT].strip()
        if code == 0:
            return Receipt(Result.SENT, text)
        wait_s = self.later(code, words)
        if wait_s is None:
            return Receipt(Result.REFUSED, text)
        named = retry_after_s(answer.headers.get("x-ogw-ratelimit-reset"))
        return Receipt(Result.RETRY, text, named or wait_s or None)

    def _stamp_s(self) -> int:
        return int(self._clock.now().timestamp())


class WeCom(Bot):
    """企业微信 group robot: text up to 2,048 bytes, markdown up to 4,096; 20 messages a minute."""

    name = "wecom"
    _BUSY, _CONFLICT, _TOO_OFTEN, _TOO_MANY_AT_ONCE = -1, 6000, 45009, 45033

    def request(self, address: str, secret: str, subject: str, text: str) -> tuple[str, Mapping[str, Any]]:
        """Send as text what fits, longer ones as markdown."""
        whole = f"{subject}\n\n{text}"
        if len(whole.encode()) <= 2_048:
            return address, {"msgtype": "text", "text": {"content": whole}}
        return address, {
            "msgtype": "markdown",
            "markdown": {"content": fit(f"**{subject}**\n\n{text}", 4_096)},
        }

    def code(self, said: Mapping[str, Any]) -> tuple[object, str]:
        """Read errcode and errmsg."""
        return said.get("errcode"), str(said.get("errmsg", ""))

    def later(self, code: object, words: str) -> float | None:
        """Busy, conflict and limits are for now; an unknown robot (93000) and the like are for good."""
        if code in (self._TOO_OFTEN, self._TOO_MANY_AT_ONCE):
            return _MINUTE_S
        return 0.0 if code in (self._BUSY, self._CONFLICT) else None


class DingTalk(Bot):
    """钉钉 custom robot, signed; 20,000 bytes; after 20 messages in a minute it is shut for ten."""

    name = "dingtalk"
    _BUSY, _TOO_FAST, _LIMITED, _OVER = -1, 130101, 410100, 90030

    def request(self, address: str, secret: str, subject: str, text: str) -> tuple[str, Mapping[str, Any]]:
        """Sign `timestamp newline secret` with the secret, in milliseconds, in the address."""
        if secret:
            stamp = str(self._stamp_s() * 1_000)
            digest = hmac.new(secret.encode(), f"{stamp}\n{secret}".encode(), hashlib.sha256).digest()
            parts = urlsplit(address)
            signed = urlencode({"timestamp": stamp, "sign": base64.b64encode(digest).decode()})
            address = urlunsplit(parts._replace(query=f"{parts.query}&{signed}".lstrip("&")))
        return address, {"msgtype": "text", "text": {"content": fit(f"{subject}\n\n{text}", 18_000)}}

    def code(self, said: Mapping[str, Any]) -> tuple[object, str]:
        """Read errcode and errmsg."""
        return said.get("errcode"), str(said.get("errmsg", ""))

    def later(self, code: object, words: str) -> float | None:
        """Busy and too fast are for now; a wrong token, sign, keyword or address (310000) is for good."""
        if code in (self._TOO_FAST, self._LIMITED, self._OVER):
            return _TEN_MINUTES_S
        return 0.0 if code == self._BUSY else None


class Feishu(Bot):
    """飞书 / Lark custom bot, signed in the body; 20 KB; 100 messages a minute."""

    name = "feishu"
    _LIMITED = (11232, 99991400)
    _INTERNAL = (2200, 1500)
    _BAD_REQUEST = 9499

    def request(self, address: str, secret: str, subject: str, text: str) -> tuple[str, Mapping[str, Any]]:
        """Sign nothing with `timestamp newline secret` as the key, in seconds."""
        body: dict[str, Any] = {
            "msg_type": "text",
            "content": {"text": fit(f"{subject}\n\n{text}", 18_000)},
        }
        if secret:
            stamp = str(self._stamp_s())
            digest = hmac.new(f"{stamp}\n{secret}".encode(), b"", hashlib.sha256).digest()
            body |= {"timestamp": stamp, "sign": base64.b64encode(digest).decode()}
        return address, body

    def code(self, said: Mapping[str, Any]) -> tuple[object, str]:
        """Read code and msg; older robots say StatusCode and StatusMessage."""
        code = said.get("code", said.get("StatusCode"))
        return code, str(said.get("msg", said.get("StatusMessage", "")))

    def later(self, code: object, words: str) -> float | None:
        """Limits are for now, 9499 where it says so; sign (19021), address, keyword (19024) are for good."""
        if code in self._LIMITED or (code == self._BAD_REQUEST and "too many" in words.lower()):
            return _MINUTE_S
        return 0.0 if code in self._INTERNAL else None


BOTS: tuple[type[Bot], ...] = (WeCom, DingTalk, Feishu)
