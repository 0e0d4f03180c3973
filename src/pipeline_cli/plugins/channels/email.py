"""Mail over SMTP: HTML and text, pictures in it, files attached."""

from __future__ import annotations

import smtplib
import socket
import ssl
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, parseaddr
from mimetypes import guess_type
from pathlib import Path
from urllib.parse import SplitResult, unquote, urlsplit

from pipeline_cli.alerts.mail import Picture, render_html
from pipeline_cli.alerts.message import Alert, File
from pipeline_cli.alerts.texts import render_text
from pipeline_cli.document import utc_now
from pipeline_cli.manifest.channels import EmailChannel
from pipeline_cli.plugins.channels.answers import Answer, NotDelivered

PORTS = {"tls": 465, "starttls": 587, "none": 25}
MOST_BYTES = 10 * 2**20  # of all files of a mail: many servers take no more than 10 to 25 MB
_LONGEST_SUBJECT = 180
_HERE = ("localhost", "127.0.0.1", "::1")


def send(channel: EmailChannel, alert: Alert, timeout_s: float) -> Answer:
    """Send the alert to all addresses of the channel. Raises NotDelivered.

    Its Message-ID is made of the alert's id: a mail that is sent a second time, because nobody knows whether it
    arrived, is the same mail to the receiver.
    """
    address = _read_address(channel.smtp)
    mail = make_mail(channel, alert, _sender(channel, address))
    with (
        _telling_errors(address.hostname or "", timeout_s),
        _connected(channel, address, timeout_s) as server,
    ):
        refused = server.send_message(mail, _sender(channel, address).addr_spec, list(channel.to))
    told = ", ".join(f"{who} ({_said(answer)})" for who, answer in refused.items())
    return Answer(f"taken by {address.hostname}", f"refused for {told}" if told else None)


def make_mail(channel: EmailChannel, alert: Alert, sender: Address) -> EmailMessage:
    """The mail: text, HTML with its pictures, files. No text of others can begin a header of its own."""
    message = alert.message
    mail = EmailMessage(SMTP)
    mail["From"] = sender
    mail["To"] = ", ".join(channel.to)
    mail["Subject"] = _one_line(f"[{message.project} {message.environment}] {message.title}")
    mail["Date"] = format_datetime(utc_now())
    mail["Message-ID"] = f"<{alert.id}@{sender.domain}>"
    if alert.incidents:
        # Mail programs show what refers to the same thing as one conversation.
        mail["References"] = " ".join(f"<incident-{each}@{sender.domain}>" for each in alert.incidents)
    mail["Auto-Submitted"] = "auto-generated"
    mail["X-Pipeline-Cli-Alert"] = alert.id
    files = _Files.read(Path(alert.root), message.files)
    mail.set_content(render_text(message))
    pictures = [Picture(f"picture-{number}", file.title) for number, (file, _) in enumerate(files.pictures)]
    attached = [Path(file.path).name for file, _ in files.attached]
    html = render_html(message, pictures, attached, files.left_out, repeated=alert.repeated)
    mail.add_alternative(html, subtype="html")
    body = mail.get_payload()[1]  # type: ignore[index]
    for picture, (_, data) in zip(pictures, files.pictures, strict=True):
        body.add_related(data, "image", "png", cid=f"<{picture.cid}>", disposition="inline")  # type: ignore[union-attr]
    for name, (file, data) in zip(attached, files.attached, strict=True):
        main, _, sub = (guess_type(file.path)[0] or "application/octet-stream").partition("/")
        mail.add_attachment(data, main, sub, filename=name)
    return mail


@dataclass(slots=True)
class _Files:
    """A message's files as bytes. left_out: the names of those that are gone or would make the mail too large."""

    pictures: list[tuple[File, bytes]] = field(default_factory=list)
    attached: list[tuple[File, bytes]] = field(default_factory=list)
    left_out: list[str] = field(default_factory=list)

    @classmethod
    def read(cls, root: Path, files: Sequence[File]) -> _Files:
        found, room = cls(), MOST_BYTES
        for file in files:
            path = root / file.path
            try:
                fits = path.stat().st_size <= room
                data = path.read_bytes() if fits else b""
            except OSError:
                fits, data = False, b""
            if not fits:
                found.left_out.append(file.path)
                continue
            room -= len(data)
            (found.pictures if file.is_picture else found.attached).append((file, data))
        return found


def _read_address(smtp: str) -> SplitResult:
    try:
        address = urlsplit(smtp)
        _ = address.port
    except ValueError as error:
        raise NotDelivered(f"smtp is no address: {error}", again=False) from None
    if address.scheme not in ("smtp", "smtps") or not address.hostname:
        raise NotDelivered("smtp must be smtp://host:port or smtps://host:port", again=False)
    return address


def _sender(channel: EmailChannel, address: SplitResult) -> Address:
    user = unquote(address.username or "")
    written = channel.sender or (user if "@" in user else f"pipeline-cli@{socket.gethostname()}")
    name, spec = parseaddr(_one_line(written))
    if "@" not in spec:
        raise NotDelivered("sender is no mail address", again=False)
    return Address(display_name=name or "pipeline-cli", addr_spec=spec)


@contextmanager
def _connected(channel: EmailChannel, address: SplitResult, timeout_s: float) -> Iterator[smtplib.SMTP]:
    """A session, encrypted and logged in as the channel says."""
    how = channel.encryption or ("tls" if address.scheme == "smtps" else "starttls")
    host, port = address.hostname or "", address.port or PORTS[how]
    password = unquote(address.password or "")
    if how == "none" and password and host not in _HERE:
        raise NotDelivered(
            f"{host}: a password is not sent over a connection that is not encrypted", again=False
        )
    # smtplib would look this machine's full name up, which takes seconds where the DNS does not know it.
    options = {"timeout": max(timeout_s, 0.05), "local_hostname": socket.gethostname()}
    server: smtplib.SMTP
    if how == "tls":
        server = smtplib.SMTP_SSL(host, port, context=ssl.create_default_context(), **options)  # type: ignore[arg-type]
    else:
        server = smtplib.SMTP(host, port, **options)  # type: ignore[arg-type]
    try:
        if how == "starttls":
            server.ehlo()
            if not server.has_extn("starttls"):
                message = (
                    f"{host} offers no encryption (STARTTLS); encryption: none is for a relay that you trust"
                )
                raise NotDelivered(message, again=False)
            server.starttls(context=ssl.create_default_context())
        if address.username:
            server.login(unquote(address.username), password)
        yield server
        # It has been taken: how the session ends is all the same.
        with suppress(smtplib.SMTPException, OSError):
            server.quit()
    finally:
        server.close()


@contextmanager
def _telling_errors(host: str, timeout_s: float) -> Iterator[None]:
    try:
        yield
    except ssl.SSLError as error:
        reason = getattr(error, "verify_message", "") or error.reason or str(error)
        raise NotDelivered(f"{host}: its certificate is refused: {reason}", again=False) from None
    except smtplib.SMTPRecipientsRefused as error:
        told = ", ".join(f"{who} ({_said(answer)})" for who, answer in error.recipients.items())
        again = all(400 <= code < 500 for code, _ in error.recipients.values())
        raise NotDelivered(f"{host} refuses every address: {told}", again=again) from None
    except smtplib.SMTPResponseException as error:
        said = _said((error.smtp_code, error.smtp_error))
        raise NotDelivered(f"{host} answered {said}", again=400 <= error.smtp_code < 500) from None
    except TimeoutError:
        raise NotDelivered(f"{host} did not answer within {timeout_s:.3g} s", again=True) from None
    except (smtplib.SMTPException, OSError) as error:
        if "timed out" in str(error):  # smtplib tells it as a connection that was closed
            raise NotDelivered(f"{host} did not answer within {timeout_s:.3g} s", again=True) from None
        reason = getattr(error, "strerror", None) or str(error)
        raise NotDelivered(f"{host} cannot be reached: {reason}", again=True) from None


def _said(answer: tuple[int, bytes | str]) -> str:
    code, text = answer
    shown = text.decode("utf-8", "replace") if isinstance(text, bytes) else text
    return f"{code} {' '.join(shown.split())[:200]}"


def _one_line(text: str) -> str:
    """Text for a header: no line breaks or other control characters, and not too long."""
    line = " ".join("".join(char if char.isprintable() else " " for char in text).split())
    return line if len(line) <= _LONGEST_SUBJECT else line[: _LONGEST_SUBJECT - 1] + "…"
