"""Settings that nobody reads are named with the nearest valid name; what they hold is never shown."""

from pathlib import Path

import pytest

from activities.accounts.names import unread


def told(*names: str, folder: Path | None = None) -> dict[str, str]:
    return {one.name: one.advice for one in unread(dict.fromkeys(names, "s3cret"), folder=folder)}


@pytest.mark.parametrize(
    ("name", "advice"),
    [
        pytest.param("ORDERS_TWILIO_ACOUNT_SID", "did you mean ORDERS_TWILIO_ACCOUNT_SID?", id="a vendor's"),
        pytest.param("ORDERS_GATEWAY_PROT", "did you mean ORDERS_GATEWAY_PORT?", id="a general one"),
        pytest.param("ORDERS_SMPT_HOST", "did you mean ORDERS_SMTP_HOST?", id="the vendor misspelt"),
        pytest.param("orders_twilio_sender", "did you mean ORDERS_TWILIO_SENDER?", id="small letters of a vendor's"),
        pytest.param("ORDERS_SMTP_3_HOST", "did you mean ORDERS_SMTP_2_HOST?", id="a number left out"),
        pytest.param("ORDERS_SECRET_", "did you mean ORDERS_SECRETS?", id="a secret without a name"),
        pytest.param(
            "ORDERS_TWILIO_AUTH_TOKEN_FILE",
            "put a file named ORDERS_TWILIO_AUTH_TOKEN into the folder that ORDERS_SECRETS names",
            id="a file's name",
        ),
        pytest.param("ORDERS_QXZ", "", id="like nothing"),
    ],
)
def test_a_setting_that_nobody_reads_is_told(name: str, advice: str) -> None:
    assert told(name, "ORDERS_SHOP") == {name: advice}


def test_what_is_read_is_not_told() -> None:
    known = ("ORDERS_STORE_URL", "orders_store_url", "ORDERS_SECRETS", "ORDERS_SECRET_ERP_TOKEN", "ORDERS_FAULTS")
    vendors = ("ORDERS_STRIPE_WEBHOOK_SECRET_OLD", "ORDERS_SMTP_HOST", "ORDERS_SMTP_2_HOST", "ORDERS_SMTP_3_USER")
    ours = ("ORDERS_DIR", "ORDERS_LIVE_PHONE", "ORDERS_SPECS", "ORDERS_STAFF_CHATS", "ORDERS_IMAP_AUTHSERV_ID")
    assert told(*known, *vendors, *ours, "PATH", "TEMPORAL_ADDRESS") == {}


def test_what_kubernetes_tells_of_a_service_is_nobodys_mistake() -> None:
    of_service = ("ORDERS_SHOP_SERVICE_HOST", "ORDERS_SHOP_SERVICE_PORT", "ORDERS_SHOP_SERVICE_PORT_HTTP")
    of_ports = ("ORDERS_SHOP_PORT", "ORDERS_SHOP_PORT_8080_TCP", "ORDERS_SHOP_PORT_8080_TCP_ADDR")
    assert told(*of_service, *of_ports) == {}
    assert list(told("ORDERS_SHOP_PORT")) == ["ORDERS_SHOP_PORT"]


def test_files_of_secrets_are_looked_at_too(tmp_path: Path) -> None:
    for name in ("ORDERS_STRIPE_WEBHOOK_SECRET", "ORDERS_TOKEN_KEY", "ORDERS_SECRET_ERP", "ERP", "readme.txt"):
        (tmp_path / name).write_text("s3cret")
    assert told(folder=tmp_path) == {
        "ORDERS_SECRET_ERP": "name the file ERP",
        "ORDERS_TOKEN_KEY": "did you mean ORDERS_TOKEN_KEYS?",
    }
    assert told(folder=tmp_path / "nowhere") == {}
