"""The arguments and options that several commands share, and the order they name."""

from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from activities.runtime.settings import Settings
    from workflows.contracts.ids import OrderKey

NUMBER = Annotated[str, typer.Argument(help="The order's number.", metavar="NUMBER")]
SHOP = Annotated[str, typer.Option(help="The shop; default: ORDERS_SHOP.")]
JSON = Annotated[bool, typer.Option("--json", help="Answer in JSON.")]
YES = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]
BY = Annotated[str, typer.Option(help="Who gives the command; default: your name on this machine.")]
RULE = Annotated[str, typer.Argument(help="The rule's id, from `orders order show`.", metavar="RULE")]


def key_of(number: str, *, shop: str, settings: "Settings") -> "OrderKey":
    """Return the key of the order that a command names."""
    from workflows.contracts.ids import OrderKey

    return OrderKey(shop=shop or settings.shop, number=number)


def user(by: str) -> str:
    """Return who gives a command."""
    import getpass

    if by:
        return by
    try:
        return getpass.getuser()
    except (OSError, KeyError):
        return "command line"
