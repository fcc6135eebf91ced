"""`orders order create`: store an order and start its automation, as POST /v1/orders does."""

import json as json_text
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from starter.cli.connections import known_settings, opened_store, run
from starter.cli.delivery import deliver
from starter.cli.named import JSON, SHOP
from starter.cli.output import Exit, Failure, listed, note, say, say_record, sentence
from starter.cli.reading import json_object, read_file

if TYPE_CHECKING:
    from activities.store.database import Store
    from activities.store.records import NewOrder
    from starter.placing import Placed

_EXAMPLE = """{"number": "1001", "total": "49.00"}"""


def create(
    file: Annotated[
        str | None, typer.Argument(help="The order as JSON, as POST /v1/orders takes it; `-` reads standard input.")
    ] = None,
    number: Annotated[str, typer.Option(help="Its number; default: the shop's next one.")] = "",
    total: Annotated[str, typer.Option(help="Its total, such as 49.00.")] = "",
    currency: Annotated[str, typer.Option(help="ISO 4217 code.")] = "",
    customer: Annotated[str, typer.Option(help="Id of a customer on record.")] = "",
    first_name: Annotated[str, typer.Option(help="First name of a new customer.")] = "",
    phone: Annotated[str, typer.Option(help="Phone of a new customer, with + and the country's code.")] = "",
    email: Annotated[str, typer.Option(help="Mail address of a new customer.")] = "",
    language: Annotated[str, typer.Option(help="Language of a new customer, such as pl.")] = "",
    stage: Annotated[str, typer.Option(help="The stage it begins in; default: the pipeline's first.")] = "",
    pipeline: Annotated[str, typer.Option(help="The pipeline it follows; default: shop.")] = "",
    shop: SHOP = "",
    json: JSON = False,
) -> None:
    """Create an order. Example: orders order create --total 49.00 --first-name Ada --email ada@mail.example"""
    person: dict[str, object] = {"first_name": first_name, "language": language}
    if phone:
        person["phones"] = [{"number": phone}]
    if email:
        person["emails"] = [{"email": email}]
    given: dict[str, object] = {
        "number": number,
        "total": total,
        "currency": currency,
        "customer_id": customer,
        "customer": {name: value for name, value in person.items() if value},
        "stage": stage,
        "pipeline": pipeline,
        "shop": shop,
    }
    options = {name: value for name, value in given.items() if value}
    read = {} if file is None else json_object(read_file(file), name=file, example=_EXAMPLE)
    run(_created(read | options, is_json=json))


async def _created(given: dict[str, object], *, is_json: bool) -> None:
    from starter.placing import SOURCE, created_id

    settings = known_settings()
    new = _checked({"shop": settings.shop} | given)
    async with opened_store(settings) as store:
        placed = await _placed(store, new=new, raw=json_text.dumps(given).encode())
        key = placed.record.key
        await deliver(settings, store=store, orders=(key,), source=SOURCE, id=created_id(key))
    if is_json:
        say_record(placed.record)
        return
    number = placed.record.number
    say(number)
    been = "is created" if placed.is_new else "had been created before, with the same content"
    note(f"Order {number} {been}; see `orders order show {number}`")


def _checked(given: dict[str, object]) -> "NewOrder":
    from pydantic import ValidationError

    from activities.store.records import NewOrder
    from starter.misfits import as_line

    try:
        return NewOrder.model_validate(given)
    except ValidationError as error:
        raise Failure(f"The order cannot be read: {as_line(error, kind=NewOrder)}", code=Exit.USAGE) from error


async def _placed(store: "Store", *, new: "NewOrder", raw: bytes) -> "Placed":
    from activities.actions import KINDS
    from activities.shelf import Shelf
    from activities.store.database import Conflict
    from starter.placing import NoSuchStage, Placement, place

    try:
        return await place(store, Placement(new, raw, datetime.now(UTC)), shelf=Shelf(KINDS))
    except NoSuchStage as error:
        raise Failure(sentence(str(error)), help=f"stages: {listed(error.stages)}", code=Exit.USAGE) from error
    except Conflict as error:
        raise Failure(error.words, help="leave --number out to take the next free one") from error
