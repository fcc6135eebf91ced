"""Measure the lab: orders per second of one core through a life of four stages and twelve rules, texts rendered.

`python -m tests.bench.lab [ORDERS] [--profile]` prints the figures: of everything; of the engine alone, to which the
answers of the first run are given at once; of the texts alone. Nothing is asserted.
"""

import asyncio
import cProfile
import gc
import pstats
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial

from activities.actions import KINDS
from activities.store import orders
from activities.store.journal import Arrival
from activities.store.records import NewOrder
from starter.lab.clock import Clock, Rank, play
from starter.lab.house import SOURCE, LabHouse
from tests.bench.answers import Answers, Noting, Prepared
from workflows.automation import Automation
from workflows.contracts.ids import OrderKey
from workflows.pipeline.fields import OrderView
from workflows.pipeline.loader import load
from workflows.pipeline.model import Pipeline
from workflows.pipeline.texts import text_of

START = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)

#: Per stage two rules in sequence and one beside them; one waits a day and is cancelled as its stage is left.
PIPELINE = """
pipeline: shop
title: Four stages
timezone: Europe/Warsaw
languages: [en, pl]
quiet_hours: off
stages:
  new:
    rules:
      - {id: thanks, email: thanks}
      - {id: noted, after: thanks, log: "Thanked {{ customer.first_name }} for {{ order.number }}"}
      - {id: remind, wait: 1d, sms: remind, when: not order.paid}
  paid:
    triggers: [{payment: paid}]
    rules:
      - {id: receipt, sms: "We received {{ order.paid_amount | money }} for order {{ order.number }}."}
      - {id: gift, after: receipt, set: {tags: [gift]}, append: true, when: order.total >= 50}
      - {id: paid, comment: "Paid {{ order.paid_amount | money }} of {{ order.total | money }}"}
  shipped:
    triggers: [{shipment: shipped}]
    rules:
      - {id: code, code: {length: 6}}
      - {id: on-the-way, after: code, sms: "Order {{ order.number }} left. Code: {{ results.code.value }}"}
      - {id: left, log: "Order {{ order.number }} left"}
  completed:
    kind: success
    triggers: [{shipment: delivered}]
    rules:
      - {id: bye, comment: "**Delivered** to {{ customer.first_name }}"}
      - {id: closed, after: bye, log: "{{ order.number }} is closed"}
      - {id: review, sms: "How do you like order {{ order.number }}?"}
messages:
  thanks:
    subject: {en: "Order {{ order.number }}", pl: "Zamówienie {{ order.number }}"}
    en: "Hello {{ customer.first_name }}, **thank you** for order {{ order.number }} over {{ order.total | money }}."
    pl: "Dzień dobry, {{ customer.first_name }}, **dziękujemy** za zamówienie {{ order.number }}."
  remind: {en: "Order {{ order.number }} waits for payment.", pl: "Zamówienie {{ order.number }} czeka na płatność."}
"""

_EVENTS = ("payment.paid", "shipment.shipped", "shipment.delivered")


def new_order(number: int) -> NewOrder:
    """Return an order of a customer of its own."""
    return NewOrder.model_validate(
        {
            "number": str(number),
            "customer": {
                "first_name": "Anna",
                "phones": [{"number": f"+48601{number:06d}"}],
                "emails": [{"email": f"anna{number}@mail.example"}],
                "language": "pl" if number % 2 else "en",
            },
            "total": "100.00",
        }
    )


async def lives(house: LabHouse, orders: list[NewOrder]) -> None:
    """Let orders live, one after the other, an hour between events."""
    for new in orders:
        key = (await house.order(new)).key
        for event_type in _EVENTS:
            await house.until(house.clock.now() + timedelta(hours=1))
            arrival = Arrival(source=SOURCE, id=house.next_id(), type=event_type, at=house.clock.now(), orders=(key,))
            await house.happen(arrival)
        await house.until(house.clock.now() + timedelta(hours=1))


async def engine_lives(clock: Clock, answers: Answers) -> None:
    """Let the same orders live again at the same moments, without a store, rules or texts."""
    for life in answers.lives.values():
        automation = Automation(Prepared(life, clock=clock), key=life.key)
        serving = asyncio.get_running_loop().create_task(automation.serve())
        for event in life.from_outside:
            await clock.until(event.at or clock.now(), rank=Rank.EVENT)
            automation.take(event)
        await clock.until(clock.now() + timedelta(hours=1), rank=Rank.EVENT)
        serving.result()


def render(pipeline: Pipeline, *, views: list[OrderView]) -> int:
    """Render every text of the pipeline for each order; return how many."""
    texts = [
        (getattr(rule.settings, field.name), field)
        for stage in pipeline.stages.values()
        for rule in stage.rules
        for field in pipeline.kinds[rule.kind].texts
    ]
    texts = [(value, field) for value, field in texts if value]
    for view in views:
        for value, field in texts:
            text_of(pipeline, value, field=field, view=view)
    return len(texts)


def main() -> None:
    """Print the figures."""
    arguments = [argument for argument in sys.argv[1:] if argument.isdecimal()]
    count = int(arguments[0]) if arguments else 300
    pipeline = load(PIPELINE, file="bench", kinds=KINDS).pipeline
    assert pipeline is not None
    made = [new_order(number) for number in range(1, count + 51)]
    answers = Answers()
    house = LabHouse(Clock(START), runtime=partial(Noting, answers=answers))

    async def first() -> None:
        await house.publish(PIPELINE, pipeline=pipeline)
        await lives(house, made[:50])

    house.play(first)
    answers.lives.clear()
    profile = cProfile.Profile() if "--profile" in sys.argv else None
    spent = _timed(lambda: house.play(lambda: lives(house, made[50:])), profile=profile)
    _tell(f"{count} orders", count=count, spent=spent)
    sent = house.parts.stand_in.sent
    print(f"{len(sent)} messages rendered and taken; the last one: {sent[-1].message.body}")
    clock = Clock(START)
    _tell("the engine alone", count=count, spent=_timed(lambda: play(clock, lambda: engine_lives(clock, answers))))
    views = house.play(lambda: _views(house, made[:50]))
    render(pipeline, views=views)
    _tell("their texts alone", count=len(views), spent=_timed(lambda: render(pipeline, views=views)))
    if profile is not None:
        pstats.Stats(profile).sort_stats("tottime").print_stats(45)


def _timed(work: Callable[[], object], *, profile: cProfile.Profile | None = None) -> float:
    gc.collect()
    gc.freeze()  # what came before is not looked at again at this one's cost
    began = time.process_time()
    if profile is not None:
        profile.enable()
    work()
    if profile is not None:
        profile.disable()
    return time.process_time() - began


def _tell(what: str, *, count: int, spent: float) -> None:
    print(f"{what}: {spent:.2f} s of one core, {count / spent:.0f} orders/s, {1000 * spent / count:.2f} ms each")


async def _views(house: LabHouse, made: list[NewOrder]) -> list[OrderView]:
    """Read what texts see, with the result that one of them names."""
    results: dict[str, dict[str, object]] = {"code": {"value": "123456"}}
    async with house.parts.store.read() as tx:
        keys = [OrderKey(shop=new.shop, number=str(new.number)) for new in made]
        return [await orders.view(tx, key, visit=1, results=results) for key in keys]


if __name__ == "__main__":
    main()
