"""Addresses as mail programs write them, on every Python: its own parser refuses many, or takes them apart wrongly."""

import pytest

from activities import addresses


@pytest.mark.parametrize(
    ("written", "name", "address"),
    [
        ("anna@customer.example", "", "anna@customer.example"),
        ("<anna@customer.example>", "", "anna@customer.example"),
        ("Anna Kowalska <anna@customer.example>", "Anna Kowalska", "anna@customer.example"),
        ('"Kowalska, Anna" <anna@customer.example>', "Kowalska, Anna", "anna@customer.example"),
        ('"Anna \\"A\\" K" <anna@customer.example>', 'Anna "A" K', "anna@customer.example"),
        ("Kowalska, Anna <anna@customer.example>", "Kowalska, Anna", "anna@customer.example"),
        ("anna@customer.example <anna@customer.example>", "anna@customer.example", "anna@customer.example"),
        ("a Bcc: all@example.com <shop@example.com>", "a Bcc: all@example.com", "shop@example.com"),
        ("<other@evil.example> <anna@customer.example>", "<other@evil.example>", "anna@customer.example"),
        ("anna@customer.example (Anna)", "Anna", "anna@customer.example"),
        ("", "", ""),
        ("nobody", "", "nobody"),
    ],
)
def test_name_and_address_are_told_apart(written: str, name: str, address: str) -> None:
    assert addresses.split(written) == (name, address)


def test_a_list_gives_each_of_its_addresses() -> None:
    """Also where one of them is not quoted as it should be."""
    headers = [
        "",
        "Shop <shop@example.com>, anna@x.example <anna@x.example>",
        'Jan <jan@x.example>, "B, C" <b@x.example>',
    ]
    assert addresses.each(headers)[-2:] == ["jan@x.example", "b@x.example"]
    assert {"shop@example.com", "anna@x.example"} <= set(addresses.each(headers))


def test_the_longest_garbage_is_read_at_once() -> None:
    for one in ("<" * 100_000, "a@" * 50_000, "<a@b" * 50_000, '"' * 100_000, " " * 100_000 + "<"):
        addresses.split(one)
