"""The SMTP channel against a real SMTP server: its words are the receipt, its refusals are read."""

import dataclasses
import ssl
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from aiosmtpd.smtp import AuthResult, LoginPassword

from core.clock import SetClock
from core.errors import SettingsError
from notify.channels import Result
from notify.channels.email import EmailChannel, Server, parse
from notify.mail import Composer
from notify.words import Words
from notify.writer import Writer
from sql.pool import Connection
from tests.notify.making import document, message
from tests.post_office import PostOffice, free_port, open_post_office
from tests.samples import NOW

Make = Callable[..., EmailChannel]


@pytest.fixture
def channel() -> Iterator[Make]:
    """Make channels; they say goodbye after the test."""
    made: list[EmailChannel] = []

    def make(url: str, context: ssl.SSLContext | None = None) -> EmailChannel:
        writer = Writer(Words("https://water.example"))
        composer = Composer("s@utility.example", SetClock(NOW), writer)
        made.append(EmailChannel(parse(url), composer, context))
        return made[-1]

    yield make
    for one in made:
        one.idle()


MESSAGE = message(document())


@pytest.mark.parametrize(
    ("url", "server"),
    [
        ("smtp://mail.example", Server("none", "mail.example", 25)),
        ("smtp://mail.example:2525/", Server("none", "mail.example", 2525)),
        ("smtp+starttls://u:p%40ss@mail.example", Server("starttls", "mail.example", 587, "u", "p@ss")),
        ("smtps://u%40x:p@[::1]:4650", Server("tls", "::1", 4650, "u@x", "p")),
    ],
)
def test_urls(url: str, server: Server) -> None:
    assert parse(url) == server


@pytest.mark.parametrize(
    "url", ["mail.example", "http://mail.example", "smtp://:25", "smtp://h:no", "smtp://h/path?x=secret"]
)
def test_urls_that_can_not_be_read_are_refused_without_showing_them(url: str) -> None:
    with pytest.raises(SettingsError, match="Write smtp://host:port") as refusal:
        parse(url)
    assert url not in str(refusal.value)


def test_the_receipt_is_the_server_s_own_words(bare: Connection, channel: Make, office: PostOffice) -> None:
    receipt = channel(office.url).prepare(bare, MESSAGE)()
    assert (receipt.result, receipt.text) == (Result.SENT, "250 2.0.0 Ok: queued as Q00001")
    assert office.mails[0]["Subject"].startswith("疑似漏水")


def test_a_burst_of_mails_goes_over_one_connection(
    bare: Connection, channel: Make, office: PostOffice
) -> None:
    sending = channel(office.url)
    for _ in range(5):
        assert sending.prepare(bare, MESSAGE)().result is Result.SENT
    assert len(office.sessions) == 1
    sending.idle()
    sending.prepare(bare, MESSAGE)()
    assert len(office.sessions) == 2


@pytest.mark.parametrize(
    ("verb", "words", "result"),
    [
        ("RCPT", "550 5.1.1 no such user", Result.REFUSED),
        ("RCPT", "451 4.7.1 try again later", Result.RETRY),
        ("RCPT", "421 4.3.2 shutting down", Result.AWAY),
        ("DATA", "554 5.6.0 content refused", Result.REFUSED),
        ("DATA", "452 4.3.1 insufficient storage", Result.RETRY),
        ("MAIL", "451 4.3.0 busy", Result.RETRY),
        ("MAIL", "553 5.7.1 not your domain", Result.AWAY),
    ],
)
def test_refusals_are_read_and_do_not_spoil_the_next_mail(
    bare: Connection, channel: Make, office: PostOffice, verb: str, words: str, result: Result
) -> None:
    office.refusals[verb] = [words]
    sending = channel(office.url)
    receipt = sending.prepare(bare, MESSAGE)()
    assert receipt.result is result
    assert words in receipt.text
    assert sending.prepare(bare, MESSAGE)().result is Result.SENT
    assert len(office.mails) == 1


def test_no_server_is_away_with_the_reason(bare: Connection, channel: Make) -> None:
    port = free_port()
    receipt = channel(f"smtp://127.0.0.1:{port}").prepare(bare, MESSAGE)()
    assert receipt.result is Result.AWAY
    assert f"127.0.0.1:{port}: ConnectionRefusedError" in receipt.text


def test_a_server_that_went_between_two_mails_is_connected_again(bare: Connection, channel: Make) -> None:
    office = PostOffice()
    with open_post_office(office):
        sending = channel(office.url)
        sending.prepare(bare, MESSAGE)()
    with open_post_office(office):
        assert sending.prepare(bare, MESSAGE)().result is Result.SENT
    assert len(office.mails) == 2


def test_an_address_in_chinese_needs_smtputf8(bare: Connection, channel: Make) -> None:
    abroad = dataclasses.replace(MESSAGE, recipient="王丽@水务.example")
    with open_post_office(enable_SMTPUTF8=False) as old:
        receipt = channel(old.url).prepare(bare, abroad)()
        assert receipt.result is Result.REFUSED
        assert "SMTPUTF8" in receipt.text
        assert channel(old.url).prepare(bare, MESSAGE)().result is Result.SENT
    with open_post_office(enable_SMTPUTF8=True) as modern:
        assert channel(modern.url).prepare(bare, abroad)().result is Result.SENT
        assert "王丽@水务.example".encode() in modern.raw[0]


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate for localhost of our own making, with its key."""
    folder = tmp_path_factory.mktemp("tls")
    file = folder / "localhost.pem"
    command = [
        "openssl",
        "req",
        "-x509",
        "-newkey",
        "ec",
        "-pkeyopt",
        "ec_paramgen_curve:prime256v1",
        "-nodes",
    ]
    subject = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost", "-days", "2"]
    subprocess.run(
        [*command, *subject, "-keyout", str(file), "-out", str(folder / "c")], check=True, capture_output=True
    )
    file.write_text(file.read_text() + (folder / "c").read_text())
    return file


@pytest.fixture
def contexts(certificate: Path) -> Iterator[tuple[ssl.SSLContext, ssl.SSLContext]]:
    """The server's context and one that trusts it."""
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(certificate)
    yield server, ssl.create_default_context(cafile=str(certificate))


def test_starttls_with_log_in(
    bare: Connection, channel: Make, contexts: tuple[ssl.SSLContext, ssl.SSLContext]
) -> None:
    def check(
        server: object, session: object, envelope: object, mechanism: str, auth: LoginPassword
    ) -> AuthResult:
        return AuthResult(success=(auth.login, auth.password) == (b"u@x", b"p:w"), handled=False)

    office = PostOffice()
    options = {
        "tls_context": contexts[0],
        "require_starttls": True,
        "authenticator": check,
        "auth_required": True,
    }
    with open_post_office(office, **options):
        url = f"smtp+starttls://u%40x:p%3Aw@localhost:{office.port}"
        assert channel(url, contexts[1]).prepare(bare, MESSAGE)().result is Result.SENT
        plain = channel(office.url).prepare(bare, MESSAGE)()
        assert plain.result is Result.AWAY
        assert "STARTTLS" in plain.text
        wrong = channel(url.replace("p%3Aw", "no"), contexts[1]).prepare(bare, MESSAGE)()
        assert wrong.result is Result.AWAY  # a wrong password must not kill every mail
        assert "535" in wrong.text
    assert len(office.mails) == 1


def test_a_certificate_that_nobody_vouches_for_is_not_trusted(
    bare: Connection, channel: Make, contexts: tuple[ssl.SSLContext, ssl.SSLContext]
) -> None:
    with open_post_office(tls_context=contexts[0]) as office:
        receipt = channel(f"smtp+starttls://localhost:{office.port}").prepare(bare, MESSAGE)()
    assert receipt.result is Result.AWAY
    assert "CERTIFICATE_VERIFY_FAILED" in receipt.text
    assert office.mails == []


def test_smtps(bare: Connection, channel: Make, contexts: tuple[ssl.SSLContext, ssl.SSLContext]) -> None:
    with open_post_office(ssl_context=contexts[0]) as office:
        receipt = channel(f"smtps://localhost:{office.port}", contexts[1]).prepare(bare, MESSAGE)()
        assert receipt.result is Result.SENT
