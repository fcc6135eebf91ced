"""`orders db` and `orders keys` on a real SQLite store."""

import os
import re
import sqlite3

from tests.commands.running import Orders


def test_upgrade_makes_the_tables_and_check_finds_them_in_order(orders: Orders) -> None:
    ended = orders.must("db", "upgrade")
    assert re.fullmatch(r"The database has schema \d+\n", ended.out)
    assert orders.must("db", "upgrade").out == ended.out
    assert orders.must("db", "check", "--json").json["schema"] in ended.out


def test_check_of_an_empty_store_says_what_to_do(orders: Orders) -> None:
    ended = orders("db", "check")
    assert ended.code == 4
    assert "error: The store cannot be used: The database is empty: run `orders db upgrade`" in ended.err
    assert "help: check ORDERS_STORE_URL" in ended.err


def test_check_finds_a_table_changed_by_hand(orders: Orders) -> None:
    orders.must("db", "upgrade")
    with sqlite3.connect(orders.directory / "orders.db") as connection:
        connection.execute("CREATE TABLE mine (id INTEGER)")
    ended = orders("db", "check")
    assert ended.code == 5
    assert "The database differs from its schema in 1 places" in ended.err


def test_a_store_that_cannot_be_opened_ends_with_exit_code_4(orders: Orders) -> None:
    missing = orders.directory / "no" / "such" / "folder"
    for arguments in (("db", "upgrade"), ("order", "list"), ("keys", "list")):
        ended = orders(*arguments, env={"ORDERS_STORE_URL": f"sqlite+aiosqlite:///{missing / 'orders.db'}"})
        assert ended.code == 4
        assert "error: The store cannot be used: The database file cannot be opened" in ended.err


def test_postgresql_that_does_not_answer_ends_with_exit_code_4(orders: Orders) -> None:
    ended = orders("order", "list", env={"ORDERS_STORE_URL": "postgresql+asyncpg://me:secret@127.0.0.1:9/orders"})
    assert ended.code == 4
    assert "error: The store cannot be used" in ended.err
    assert "secret" not in ended.err


def test_a_key_is_shown_once_listed_without_its_secret_and_revoked(stored: Orders) -> None:
    made = stored.must("keys", "create", "webshop", "--scope", "orders:read", "--days", "30", "--json").json
    assert made["secret"]
    assert made["scopes"] == ["orders:read"]
    listed = stored.must("keys", "list", "--json")
    assert [key["id"] for key in listed.json] == [made["id"]]
    assert made["secret"] not in listed.out
    assert listed.json[0]["state"] == "valid"
    assert stored.must("keys", "revoke", made["id"], "--yes").out == ""
    assert stored.must("keys", "list", "--json").json[0]["state"] == "revoked"


def test_only_the_secret_of_a_new_key_is_on_stdout(stored: Orders) -> None:
    ended = stored.must("keys", "create", "webshop")
    assert re.fullmatch(r"oa_\S{20,}\n", ended.out)
    assert "orders:read, orders:write, events:write" in ended.err


def test_revoking_without_a_person_to_ask_needs_yes(stored: Orders) -> None:
    made = stored.must("keys", "create", "webshop", "--json").json
    ended = stored("keys", "revoke", made["id"])
    assert ended.code == 2
    assert "help: add --yes" in ended.err
    assert stored.must("keys", "list", "--json").json[0]["state"] == "valid"


def test_an_unknown_scope_is_refused_with_the_known_ones(stored: Orders) -> None:
    ended = stored("keys", "create", "webshop", "--scope", "orders:fly")
    assert ended.code == 2
    assert "error: There is no scope 'orders:fly'" in ended.err
    assert "orders:read" in ended.err


def test_an_unknown_key_cannot_be_revoked(stored: Orders) -> None:
    ended = stored("keys", "revoke", "nobody", "--yes")
    assert ended.code == 1
    assert "`orders keys list`" in ended.err


def test_a_reader_that_has_seen_enough_is_no_error(stored: Orders) -> None:
    """`orders … | head -0`: the pipe is closed before anything is written."""
    import subprocess
    import sys

    reader, writer = os.pipe()
    os.close(reader)
    done = subprocess.run(
        [sys.executable, "-m", "starter.cli", "pipeline", "schema"],
        stdout=writer,
        stderr=subprocess.PIPE,
        text=True,
        cwd=stored.directory,
        env=stored.environment,
        check=False,
    )
    os.close(writer)
    assert "Traceback" not in done.stderr
