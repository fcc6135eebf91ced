"""`orders order why`: for every rule of every visit and every event of an order, why it did what it did (M64)."""

from typing import TYPE_CHECKING, Annotated

import typer

from starter.cli.connections import known_settings, opened_store, run
from starter.cli.named import JSON, NUMBER, SHOP, key_of
from starter.cli.output import moment, say, say_record

if TYPE_CHECKING:
    from activities.store.database import Tx
    from activities.store.history import EventRecord
    from activities.store.records import Page
    from starter.reasons import Why, WhyEvent, WhyRule, WhyVisit
    from workflows.contracts.ids import OrderKey

_PAGE = 200


def why(
    number: NUMBER,
    visit: Annotated[int | None, typer.Option(help="Only the rules of this visit; no events.", min=1)] = None,
    rule: Annotated[str, typer.Option(help="Only this rule; no events.", metavar="RULE")] = "",
    shop: SHOP = "",
    json: JSON = False,
) -> None:
    """Say why each rule ran or did not, and why each event moved the order or not, with the values compared."""
    answer = _narrowed(run(_answer(number, shop=shop)), visit=visit, rule=rule)
    if json:
        say_record(answer)
        return
    say(f"Order {answer.number}: {answer.stage or 'in no stage yet'}")
    for stay in answer.visits:
        _say_visit(stay)
    if answer.events:
        say("\nEvents")
    for event in answer.events:
        _say_event(event)


async def _answer(number: str, *, shop: str) -> "Why":
    from activities.store import orders, runs, visits
    from starter.reasons import why_of

    settings = known_settings()
    key = key_of(number, shop=shop, settings=settings)
    async with opened_store(settings) as store, store.read() as tx:
        order = await orders.get(tx, key)
        return why_of(
            order,
            visits=await visits.visits_of(tx, key),
            runs=await runs.runs_of(tx, key),
            events=await _events(tx, key),
        )


async def _events(tx: "Tx", key: "OrderKey") -> "Page[EventRecord]":
    """Read every event of an order, on one page."""
    from activities.store import journal
    from activities.store.records import Page

    page = await journal.events_of(tx, key, limit=_PAGE)
    events = list(page.items)
    while page.next_cursor:
        page = await journal.events_of(tx, key, cursor=page.next_cursor, limit=_PAGE)
        events.extend(page.items)
    return Page(items=events)


def _narrowed(answer: "Why", *, visit: int | None, rule: str) -> "Why":
    if visit is None and not rule:
        return answer
    visits = [stay for stay in answer.visits if visit in (None, stay.visit)]
    if rule:
        visits = [stay.model_copy(update={"rules": [one for one in stay.rules if one.rule == rule]}) for stay in visits]
    return answer.model_copy(update={"visits": [stay for stay in visits if stay.rules or not rule], "events": []})


def _say_visit(stay: "WhyVisit") -> None:
    by = f", by {stay.by}" if stay.by else ""
    cause = f"{stay.cause}{by} (version {stay.version})"
    say(f"\nVisit {stay.visit} of {stay.stage} since {moment(stay.entered_at)}: {cause}")
    for rule in stay.rules:
        _say_rule(rule)


def _say_rule(rule: "WhyRule") -> None:
    when = moment(rule.ended_at) or (f"due {moment(rule.due)}" if rule.due else "")
    reason = f" ({rule.reason})" if rule.reason else ""
    say(f"  {rule.rule:<20} {rule.status}{reason}  {when}".rstrip())
    _say_words(rule.words, advice=rule.advice)
    _say_compared(rule.compared, indent=6)
    for name, value in rule.results.items():
        say(f"      results.{name} = {value}")


def _say_event(event: "WhyEvent") -> None:
    say(f"  {moment(event.at)}  {event.type}  {event.reason or 'not decided yet'}  [{event.source} {event.id}]")
    _say_words(event.words, advice=event.advice)
    _say_compared(event.compared, indent=6)
    for trigger in event.triggers:
        say(f"      trigger {trigger.trigger}: {trigger.reason}{': ' + trigger.words if trigger.words else ''}")
        _say_compared(trigger.compared, indent=10)


def _say_words(words: str, *, advice: str) -> None:
    for line in (words, advice):
        if line:
            say(f"      {line}")


def _say_compared(compared: list[tuple[str, str]], *, indent: int) -> None:
    for path, value in compared:
        say(f"{' ' * indent}{path} = {value}")
