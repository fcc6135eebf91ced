"""Stand-ins of the outside vendors for `orders up --with-stand-ins`: real HTTP, real signatures, nothing leaves.

They are the servers that the tests use; they come with the project's source, not with the package.
"""

import base64
import secrets
import sys
from collections.abc import Mapping
from dataclasses import dataclass

from starter.cli.embedded import ports
from starter.cli.embedded.children import Child, Program
from starter.cli.embedded.folder import Folder
from starter.cli.output import Exit, Failure
from starter.cli.parts import ROOT, part_environment

_FOLDER = ROOT / "tests" / "support" / "stand_ins"


@dataclass(frozen=True)
class StandIn:
    """A running stand-in: its name, and where it listens."""

    child: Child
    url: str


@dataclass(frozen=True)
class StandIns:
    """The running stand-ins, and the settings that connect our parts to them."""

    running: list[StandIn]
    settings: dict[str, str]


async def start_stand_ins(folder: Folder, *, public_url: str) -> StandIns:
    """Start them all. Raise Failure where they are not here."""
    if not _FOLDER.is_dir():
        words = "The stand-ins come with the project's source, which is not here"
        raise Failure(words, help="leave --with-stand-ins out, or start it in a clone of the project", code=Exit.USAGE)
    token, key = secrets.token_hex(16), _signing_key()
    twilio = await _start(folder, name="twilio", public_url=public_url, secret={"STAND_IN_AUTH_TOKEN": token})
    sendgrid = await _start(
        folder, name="sendgrid", public_url=public_url, secret={"STAND_IN_SIGNING_KEY": key.private}
    )
    settings = {
        "ORDERS_TWILIO_ACCOUNT_SID": "AC" + "0" * 32,
        "ORDERS_TWILIO_AUTH_TOKEN": token,
        "ORDERS_TWILIO_BASE": twilio.url,
        "ORDERS_TWILIO_SENDER": "+15005550006",
        "ORDERS_TWILIO_LINES": "+15005550006",
        "ORDERS_TWILIO_WHATSAPP": "+15005550006",
        "ORDERS_SENDGRID_API_KEY": "SG." + token,
        "ORDERS_SENDGRID_BASE": sendgrid.url,
        "ORDERS_SENDGRID_EVENTS_KEY": key.public,
        "ORDERS_SMS_PROVIDER": "twilio",
        "ORDERS_VOICE_PROVIDER": "twilio",
        "ORDERS_CHAT_PROVIDER": "twilio",
        "ORDERS_EMAIL_PROVIDER": "sendgrid",
    }
    return StandIns([twilio, sendgrid], settings)


async def _start(folder: Folder, *, name: str, public_url: str, secret: Mapping[str, str]) -> StandIn:
    port = ports.free()
    command = [
        *(sys.executable, "-m", f"tests.support.stand_ins.{name}"),
        *("--port", str(port), "--public-url", public_url),
    ]
    environment = {**part_environment(), **secret, "PYTHONPATH": str(ROOT)}
    log = folder.logs / f"{name}.log"
    child = await Child.start(Program(f"Stand-in of {name}", command, environment, log))
    return StandIn(child, f"http://{ports.HOST}:{port}")


@dataclass(frozen=True)
class _Pair:
    private: str
    public: str


def _signing_key() -> _Pair:
    """Make the pair that signs SendGrid's event webhook: base64 of DER, as SendGrid shows its public half."""
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

    key = ec.generate_private_key(ec.SECP256R1())
    private = key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
    public = key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return _Pair(base64.b64encode(private).decode(), base64.b64encode(public).decode())
