"""`orders pipeline webhooks`, and `orders events parked|give|dismiss`, on a real SQLite store."""

from tests.commands.running import Orders

PIPELINE = """
pipeline: shop
title: Shop
timezone: Europe/Warsaw
languages: [en]
stages:
  new:
    title: New
  packed:
    title: Packed
    triggers:
      - webhook: erp-packed
"""


def test_a_webhooks_address_is_shown_once_and_its_codes_are_listed(stored: Orders) -> None:
    """Covers T16."""
    (stored.directory / "shop.yaml").write_text(PIPELINE, encoding="utf-8")
    stored.must("pipeline", "publish", "shop.yaml")
    assert "erp-packed" in stored.must("pipeline", "webhooks").out
    made = stored.must("pipeline", "webhooks", "--new", "erp-packed", "--signed", "--json").json
    assert "/hooks/trigger/" in made["address"]
    assert made["secret"].startswith("whsec_")
    listed = stored.must("pipeline", "webhooks", "--json")
    assert [len(trigger["codes"]) for trigger in listed.json] == [1]
    assert made["address"].rpartition("/")[2] not in listed.out
    assert "1 codes" in stored.must("pipeline", "webhooks", "--end", "erp-packed").err


def test_a_webhook_that_no_pipeline_has_gets_no_code(stored: Orders) -> None:
    ended = stored("pipeline", "webhooks", "--new", "nope")
    assert ended.code == 2
    assert "No published pipeline has the trigger `webhook: nope`; there are: " in ended.err


def test_events_that_wait_for_a_person_are_listed(stored: Orders) -> None:
    assert stored.must("events", "parked", "--json").json == {"items": [], "next_cursor": None}
    for command in (("give", "7", "1001"), ("dismiss", "7")):
        ended = stored("events", *command)
        assert ended.code == 1
        assert "There is no parked event '7'" in ended.err
        assert "help: `orders events parked` lists them" in ended.err


def test_the_doctor_says_what_to_put_on_the_shops_pages(stored: Orders) -> None:
    form = "forms:\n  callback:\n    title: Call me\n    fields:\n      phone: {type: phone, label: Phone}\n"
    (stored.directory / "calls.yaml").write_text(PIPELINE.replace("pipeline: shop", "pipeline: calls") + form)
    stored.must("pipeline", "publish", "calls.yaml")
    base = {"ORDERS_PUBLIC_URL": "https://orders.shop.example/", "ORDERS_TOKEN_KEYS": "k" * 64}
    sites = {"ORDERS_SITE_ORIGINS": "https://shop.example", "ORDERS_CHAT_ORIGINS": "https://shop.example"}
    visits = '<script src="https://orders.shop.example/t/site.js" async></script>'
    chat = '<script src="https://orders.shop.example/chat/widget.js" data-shop="shop" async></script>'

    told = {finding["what"]: finding for finding in stored("doctor", "--json", env=base | sites).json}
    assert "https://orders.shop.example/f/callback" in told["forms"]["words"]
    assert visits in told["visits"]["words"]
    assert chat in told["web chat"]["words"]
    assert not told["visits"]["is_warning"]

    ended = stored("doctor", env=base).out
    assert "! visits" in ended
    assert "set ORDERS_SITE_ORIGINS=https://YOUR-SHOP for the gateway, then paste into every page" in ended
    assert "set ORDERS_CHAT_ORIGINS=" in ended


def test_the_doctor_says_what_to_enter_at_each_vendor(stored: Orders) -> None:
    ended = stored(
        "doctor",
        "--json",
        env={
            "ORDERS_PUBLIC_URL": "http://127.0.0.1:9",
            "ORDERS_TWILIO_ACCOUNT_SID": "AC" + "1" * 32,
            "ORDERS_TWILIO_AUTH_TOKEN": "secret-token",
            "ORDERS_STRIPE_WEBHOOK_SECRET": "whsec_secret",
            "ORDERS_IMAP_HOST": "imap.example",
        },
    )
    found = {finding["what"]: finding for finding in ended.json}
    assert "http://127.0.0.1:9/hooks/twilio/message" in found["Twilio"]["words"]
    assert "http://127.0.0.1:9/hooks/stripe" in found["Stripe"]["words"]
    assert found["mailbox"]["help"] == "correct ORDERS_IMAP_USER"
    assert not found["public address"]["is_good"]
    assert not found["links"]["is_good"]
    assert "secret" not in ended.out
