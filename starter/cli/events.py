"""`orders order event`: tell what happened to an order, or to a customer. Journalled first, then delivered."""

import json as json_text
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated
from uuid import uuid4

import typer

from starter.cli.connections import known_settings, opened_store, run
from starter.cli.delivery import deliver
from starter.cli.named import JSON, SHOP, key_of
from starter.cli.output import Exit, Failure, listed, say, say_json
from starter.cli.reading import STDIN, json_object, read_file

if TYPE_CHECKING:
    from activities.store.journal import Arrival
    from starter.arrivals import EventAnswer
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
    values = _data(data, pairs=set or [])
    given: dict[str, object] = {"source": source, "id": id or str(uuid4()), "type": type, "data": values}
    if customer:
        given["customer"] = {_naming(customer): customer}
    run(_told(given, number=number, shop=shop, is_json=json))


async def _told(given: dict[str, object], *, number: str, shop: str, is_json: bool) -> None:
    from starter.arrivals import answer_of, take_in

    settings = known_settings()
    now = datetime.now(UTC)
    orders = () if "customer" in given else (key_of(number, shop=shop, settings=settings),)
    arrival = _arrival(given, orders=orders, now=now)
    async with opened_store(settings) as store:
        taken = await take_in(store, arrival, now=now)
        is_delivered = await deliver(settings, store=store, orders=taken.orders, source=arrival.source, id=arrival.id)
    _show(answer_of(arrival, journalled=taken), is_delivered=is_delivered, is_json=is_json)


def _arrival(given: dict[str, object], *, orders: "tuple[OrderKey, ...]", now: datetime) -> "Arrival":
    """Check what was given as the HTTP API does."""
    from pydantic import ValidationError

    from activities.store.journal import Arrival
    from starter.gateway.bodies import NewCustomerEvent, NewEvent
    from starter.misfits import as_line

    body = NewEvent if orders else NewCustomerEvent
    try:
        event = body.model_validate(given)
    except ValidationError as error:
        raise Failure(f"The event cannot be read: {as_line(error, kind=body)}", code=Exit.USAGE) from error
    return Arrival(
        source=event.source,
        id=str(given["id"]),
        type=event.type,
        at=now,
        data=event.data,
        raw=json_text.dumps(given).encode(),
        orders=orders,
        customer=event.customer if isinstance(event, NewCustomerEvent) else None,
    )


def _show(answer: "EventAnswer", *, is_delivered: bool, is_json: bool) -> None:
    if is_json:
        say_json(answer.model_dump(mode="json") | {"delivered": is_delivered and not answer.unmatched})
        return
    if answer.unmatched:
        say(f"{answer.type} is kept, but no open order belongs to that customer (event {answer.id})")
    elif answer.duplicate:
        say(f"{answer.type} had been taken before for {listed(answer.orders)} (event {answer.id})")
    else:
        say(f"{answer.type} is taken for {listed(answer.orders)} (event {answer.id})")


def _naming(customer: str) -> str:
    if customer.startswith("+"):
        return "phone"
    return "email" if "@" in customer else "customer"


def _data(text: str, *, pairs: list[str]) -> dict[str, object]:
    values: dict[str, object] = {}
    if text:
        values = json_object(read_file(text) if text == STDIN else text, name="--data", example=_EXAMPLE)
    for pair in pairs:
        name, equals, value = pair.partition("=")
        if not equals or not name:
            raise Failure(f"'{pair}' is not NAME=VALUE", help="--set amount=49.00", code=Exit.USAGE)
        values[name] = value
    return values
