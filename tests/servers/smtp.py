"""A real SMTP server on 127.0.0.1 (aiosmtpd) that keeps what it is sent, and misbehaves where a test asks.

with MailServer() as server:                          # server.url: smtp://127.0.0.1:40123
    server.answer = lambda mail: "550 no such user"   # instead of taking it
    assert [mail.subject for mail in server.mails] == [...]
"""

from __future__ import annotations

import datetime
import ssl
import time
from collections.abc import Callable
from dataclasses import dataclass
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from pathlib import Path
from typing import Any, Self

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session


@dataclass(frozen=True, slots=True)
class Mail:
    """A mail as it arrived: the envelope's addresses, and the message."""

    sender: str
    to: list[str]
    message: EmailMessage
    encrypted: bool
    user: str | None

    @property
    def subject(self) -> str:
        return str(self.message["Subject"])

    @property
    def id(self) -> str:
        return str(self.message["Message-ID"])

    @property
    def text(self) -> str:
        part = self.message.get_body(("plain",))
        assert part is not None
        return str(part.get_content())

    @property
    def html(self) -> str:
        part = self.message.get_body(("html",))
        assert part is not None
        return str(part.get_content())

    @property
    def attachments(self) -> dict[str, bytes]:
        found = {}
        for part in self.message.iter_attachments():
            found[str(part.get_filename())] = part.get_payload(decode=True)
        return found  # type: ignore[return-value]

    @property
    def pictures(self) -> dict[str, bytes]:
        return {
            str(part["Content-ID"]).strip("<>"): part.get_payload(decode=True)  # type: ignore[misc]
            for part in self.message.walk()
            if part.get_content_type() == "image/png"
        }


class MailServer:
    """Takes mail. users: name to password, then logging in is demanded. tls: "starttls" or "tls", with `context`."""

    def __init__(
        self,
        *,
        users: dict[str, str] | None = None,
        tls: str | None = None,
        context: ssl.SSLContext | None = None,
    ) -> None:
        self.mails: list[Mail] = []
        self.answer: Callable[[Mail], str] = lambda mail: "250 taken"
        self.answer_to: Callable[[str], str] = lambda address: "250 OK"
        self.hang_s = 0.0
        self.after: Callable[[Mail], None] = lambda mail: None
        self._users = users
        self._controller = _Controller(self, tls, context)

    @property
    def port(self) -> int:
        return int(self._controller.server.sockets[0].getsockname()[1])

    @property
    def url(self) -> str:
        return f"smtp://127.0.0.1:{self.port}"

    def __enter__(self) -> Self:
        self._controller.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._controller.stop()

    @property
    def subjects(self) -> list[str]:
        return [mail.subject for mail in self.mails]

    # -- what aiosmtpd calls ---------------------------------------------------------------------------------

    async def handle_RCPT(  # noqa: N802
        self, server: Any, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        answer = self.answer_to(address)
        if answer.startswith("250"):
            envelope.rcpt_tos.append(address)
        return answer

    async def handle_DATA(self, server: Any, session: Session, envelope: Envelope) -> str:  # noqa: N802
        import asyncio

        mail = Mail(
            str(envelope.mail_from),
            list(envelope.rcpt_tos),
            message_from_bytes(envelope.content or b"", policy=default),  # type: ignore[arg-type]
            server.transport.get_extra_info("sslcontext") is not None,
            session.auth_data.decode() if session.auth_data else None,
        )
        await asyncio.sleep(self.hang_s)
        answer = self.answer(mail)
        if answer.startswith("250"):
            self.mails.append(mail)
            self.after(mail)
        return answer

    def authenticate(
        self, _server: Any, _session: Any, _envelope: Any, _mechanism: str, data: Any
    ) -> AuthResult:
        assert isinstance(data, LoginPassword)
        known = (self._users or {}).get(data.login.decode())
        good = known is not None and known == data.password.decode()
        return AuthResult(success=good, handled=good, auth_data=data.login)


class _Controller(Controller):
    def __init__(self, server: MailServer, tls: str | None, context: ssl.SSLContext | None) -> None:
        super().__init__(server, hostname="127.0.0.1", port=0, ssl_context=context if tls == "tls" else None)
        self._server_of_test = server
        self._starttls = context if tls == "starttls" else None

    def factory(self) -> SMTP:
        users = self._server_of_test._users
        return SMTP(
            self.handler,
            enable_SMTPUTF8=True,
            tls_context=self._starttls,
            require_starttls=self._starttls is not None,
            authenticator=self._server_of_test.authenticate if users else None,
            auth_required=bool(users),
            auth_require_tls=False,
        )

    def _trigger_server(self) -> None:
        """Its own opens a connection to the port that was asked for, which is 0 here."""
        self.port = self._server_of_test.port
        super()._trigger_server()


def make_certificate(folder: Path, host: str = "127.0.0.1") -> tuple[ssl.SSLContext, Path]:
    """A server's context with a certificate that it signed itself, and the certificate's file."""
    from ipaddress import ip_address

    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, host)])
    begin = datetime.datetime.now(datetime.UTC) - datetime.timedelta(days=1)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(begin)
        .not_valid_after(begin + datetime.timedelta(days=10))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address(host))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem, key_file = folder / "server.pem", folder / "server.key"
    pem.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    key_file.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem, key_file)
    return context, pem


def wait_until(condition: Callable[[], bool], timeout_s: float = 10.0) -> None:
    end = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < end, "it did not come"
        time.sleep(0.02)
