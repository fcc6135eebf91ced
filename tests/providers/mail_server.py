"""A real mail server (aiosmtpd) that takes mails in, or fails as told, at any step of the dialogue."""

import asyncio
import email
import ssl
from dataclasses import dataclass, field
from email import policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any, Self

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

#: A certificate with its key, signed by itself, of `erp.example`.
CERTIFICATE = Path(__file__).parents[1] / "rules" / "erp.example.pem"

#: What a fault does instead of a reply.
DROP = "drop"
HANG = "hang"


@dataclass(frozen=True)
class Taken:
    """A mail that was taken in: its envelope, and itself."""

    sender: str
    recipients: tuple[str, ...]
    mail: EmailMessage
    raw: bytes


@dataclass
class MailServer:
    """Serve while it is entered. `mail`, `rcpt`, `data` are the next replies to these commands (DROP, HANG), then 250.

    `text` reaches the server even where its reply is lost. `user` has to log in with `password`; with `has_tls` the
    connection can be encrypted. `greeting` is said in place of 220, and nothing more.
    """

    mail: list[str] = field(default_factory=list)
    rcpt: list[str] = field(default_factory=list)
    data: list[str] = field(default_factory=list)
    user: str = ""
    password: str = ""
    has_tls: bool = False
    knows_utf8: bool = True
    greeting: str = ""
    taken: list[Taken] = field(default_factory=list)
    seen: int = 0

    async def __aenter__(self) -> Self:
        self._closing = asyncio.Event()
        loop = asyncio.get_running_loop()
        if self.greeting:
            self._server = await asyncio.start_server(self._greet, "127.0.0.1", 0)
        else:
            self._server = await loop.create_server(self._session, "127.0.0.1", 0)
        self.port = int(self._server.sockets[0].getsockname()[1])
        return self

    async def __aexit__(self, *_: object) -> None:
        self._closing.set()
        self._server.close()

    def _session(self) -> SMTP:
        tls = None
        if self.has_tls:
            tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
            tls.load_cert_chain(CERTIFICATE)
        return SMTP(
            self,
            hostname="mail.example",
            enable_SMTPUTF8=self.knows_utf8,
            tls_context=tls,
            authenticator=self._authenticate if self.user else None,
            auth_require_tls=False,
            auth_required=bool(self.user),
        )

    async def _greet(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.seen += 1
        if self.greeting == HANG:
            await self._closing.wait()
        elif self.greeting != DROP:
            writer.write(f"{self.greeting}\r\n".encode())
            await writer.drain()
        writer.close()

    def _authenticate(self, server: Any, session: Session, envelope: Envelope, kind: str, data: Any) -> AuthResult:
        known = LoginPassword(self.user.encode(), self.password.encode())
        return AuthResult(success=data == known, handled=False)

    # aiosmtpd calls these by their names.

    async def handle_MAIL(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        self.seen += 1
        envelope.mail_from = address
        envelope.mail_options += options
        return await self._reply(server, self.mail) or "250 OK"

    async def handle_RCPT(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        reply = await self._reply(server, self.rcpt)
        if not reply:
            envelope.rcpt_tos.append(address)
        return reply or "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        reply = self.data[0] if self.data else ""
        if not reply or reply in (DROP, HANG):
            self._take(envelope)
        return await self._reply(server, self.data) or "250 2.0.0 queued as 1"

    def _take(self, envelope: Envelope) -> None:
        raw = envelope.content if isinstance(envelope.content, bytes) else (envelope.content or "").encode()
        read = email.message_from_bytes(raw, policy=policy.default)
        assert isinstance(read, EmailMessage)
        self.taken.append(Taken(str(envelope.mail_from), tuple(envelope.rcpt_tos), read, raw))

    async def _reply(self, server: SMTP, replies: list[str]) -> str:
        reply = replies.pop(0) if replies else ""
        if reply == HANG:
            await self._closing.wait()
        if reply in (DROP, HANG) and server.transport is not None:
            server.transport.abort()
            return "421 gone"
        return reply
