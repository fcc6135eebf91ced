"""`orders order event`: tell what happened to an order, or to a customer. Journalled first, then delivered."""

import json as json_text
import sys
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated
from uuid import uuid4

import typer

from starter.cli.connections import known_settings, opened_store, run
from starter.cli.delivery import deliver
from starter.cli.named import JSON, SHOP, key_of
from starter.cli.output import Exit, Failure, listed, say, say_json

if TYPE_CHECKING:
    from activities.store.journal import Arrival, Journalled
    from workflows.contracts.ids import OrderKey

SOURCE = "command-line"

_EXAMPLE = """--data '{"amount": "49.00"}'"""


def event(
    number: Annotated[str, typer.Argument(help="The order's number; `-` for an event of --customer.")],
    type: Annotated[str, typer.Argument(help="The event type, such as payment.paid.", metavar="TYPE")],
    data: Annotated[str, typer.Option(help='The event\'s data as a JSON object; "-" reads standard input.')] = "",
    set: Annotated[list[str] | None, typer.Option(help="One value of the data.", metavar="NAME=VALUE")] = None,
    id: Annotated[str, typer.Option(help="The event's id: sent twice, it counts once. Default: a new one.")] = "",
    source: Annotated[str, typer.Option(help="The system it comes from.")] = SOURCE,
    customer: Annotated[str, typer.Option(help="Phone, mail address or id: every open order of theirs.")] = "",
    shop: SHOP = "",
    json: JSON = False,
) -> None:
    """Tell what happened. Example: orders order event 1001 payment.received --set amount=49.00"""
    if (number == "-") != bool(customer):
        words = "Name an order by its number, or a customer: orders order event - call.missed --customer +48…"
        raise Failure(words, code=Exit.USAGE)
    _check_type(type, is_of_customer=bool(customer))
    values = _data(data, pairs=set or [])
    given: dict[str, object] = {"source": source, "id": id or str(uuid4()), "type": type, "data": values, "shop": shop}
    run(_told(given, number=number, customer=customer, is_json=json))


async def _told(given: dict[str, object], *, number: str, customer: str, is_json: bool) -> None:
    from activities.store import journal
    from activities.store.journal import Arrival
    from activities.store.records import CustomerRef

    settings = known_settings()
    now = datetime.now(UTC)
    key = None if customer else key_of(number, shop=str(given["shop"] or ""), settings=settings)
    arrival = Arrival(
        source=str(given["source"]),
        id=str(given["id"]),
        type=str(given["type"]),
        at=now,
        data=dict(given["data"]) if isinstance(given["data"], dict) else {},
        orders=(key,) if key else (),
        customer=CustomerRef.model_validate({_naming(customer): customer}) if customer else None,
    )
    async with opened_store(settings) as store:
        async with store.write() as tx:
            taken = await journal.append(tx, arrival, now=now)
        _refuse_other(arrival, taken=taken, key=key)
        is_delivered = await deliver(settings, store=store, orders=taken.orders, source=arrival.source, id=arrival.id)
    _show(arrival, taken=taken, is_delivered=is_delivered, is_json=is_json)


def _show(arrival: "Arrival", *, taken: "Journalled", is_delivered: bool, is_json: bool) -> None:
    numbers = [key.number for key in taken.orders]
    if is_json:
        say_json(
            {
                "id": arrival.id,
                "source": arrival.source,
                "type": arrival.type,
                "orders": numbers,
                "duplicate": not taken.is_new,
                "unmatched": taken.unmatched,
                "delivered": is_delivered and not taken.unmatched,
            }
        )
        return
    if taken.unmatched:
        say(f"{arrival.type} is kept, but no open order belongs to that customer (event {arrival.id})")
    elif not taken.is_new:
        say(f"{arrival.type} had been taken before for {listed(numbers)} (event {arrival.id})")
    else:
        say(f"{arrival.type} is taken for {listed(numbers)} (event {arrival.id})")


def _refuse_other(arrival: "Arrival", *, taken: "Journalled", key: "OrderKey | None") -> None:
    if key is not None and key not in taken.orders:
        words = f"The id '{arrival.id}' was used for another order's event"
        raise Failure(words, help="give each event an id of its own")


def _check_type(type: str, *, is_of_customer: bool) -> None:
    from starter.gateway.event_types import known_type, level_type

    try:
        level_type(type) if is_of_customer else known_type(type)
    except ValueError as error:
        raise Failure(str(error), code=Exit.USAGE) from error


def _naming(customer: str) -> str:
    if customer.startswith("+"):
        return "phone"
    return "email" if "@" in customer else "customer"


def _data(text: str, *, pairs: list[str]) -> dict[str, object]:
    values: dict[str, object] = {}
    if text:
        values = _object(sys.stdin.read() if text == "-" else text)
    for pair in pairs:
        name, equals, value = pair.partition("=")
        if not equals or not name:
            raise Failure(f"'{pair}' is not NAME=VALUE", help="--set amount=49.00", code=Exit.USAGE)
        values[name] = value
    return values


def _object(text: str) -> dict[str, object]:
    try:
        found = json_text.loads(text)
    except ValueError as error:
        raise Failure(
            f"--data is not JSON ({error})", help="""--data '{"amount": "49.00"}'""", code=Exit.USAGE
        ) from error
    if not isinstance(found, dict):
        raise Failure("--data is not a JSON object", help=_EXAMPLE, code=Exit.USAGE)
    return found
