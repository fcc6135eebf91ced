"""`orders test-call`: the author of a pipeline hears a call, or reads what it would say."""

import os
from datetime import timedelta
from typing import TYPE_CHECKING, Annotated

import typer

from starter.cli.connections import known_settings, opened_store, run
from starter.cli.named import JSON, NUMBER, SHOP, key_of
from starter.cli.output import Exit, Failure, note, say, say_json

if TYPE_CHECKING:
    from activities.runtime.settings import Settings
    from activities.store.database import Store
    from activities.trial import Outcome, Spoken

#: How long the command waits for the end of the call.
_PATIENCE = timedelta(minutes=3)


def trial_call(
    number: NUMBER,
    rule: Annotated[str, typer.Argument(help="The id of a `robocall` rule of its pipeline.", metavar="RULE")],
    to: Annotated[
        str, typer.Option(help="Your own phone, with + and the country's code; without it nobody is called.")
    ] = "",
    shop: SHOP = "",
    json: JSON = False,
) -> None:
    """Hear a call: say what the rule says for this order, and with --to call your own phone and say it there.

    The order's customer is not called, and nothing of the order changes. Where calls go to the outbox (the default
    without an account), what would be said stands there. Example: orders test-call 1001 ready --to +48501234567
    """
    run(_tried(number, rule=rule, to=_phone(to), shop=shop, is_json=json))


async def _tried(number: str, *, rule: str, to: str, shop: str, is_json: bool) -> None:
    from activities.actions import KINDS
    from activities.shelf import Shelf
    from activities.trial import NoTrial, words_of

    settings = known_settings()
    async with opened_store(settings) as store:
        try:
            key = key_of(number, shop=shop, settings=settings)
            spoken = await words_of(store, shelf=Shelf(KINDS), key=key, rule=rule)
            if not is_json:
                _say_words(spoken)
            outcome = await _called(store, settings=settings, spoken=spoken, to=to) if to else None
        except NoTrial as error:
            raise Failure(error.words, help=error.help) from error
    if is_json:
        say_json(_as_json(spoken, outcome=outcome))
    if outcome is not None and outcome.failure:
        raise Failure(f"The call failed: {outcome.failure}")


async def _called(store: "Store", *, settings: "Settings", spoken: "Spoken", to: str) -> "Outcome | None":
    from activities import trial

    providers = trial.connected(settings, store=store, environment=os.environ)
    ringing = await trial.call(store, providers=providers, spoken=spoken, to=to)
    if ringing.provider.name == "outbox":
        note("It went to the outbox, as no account for calls is set: ORDERS_VOICE_PROVIDER=twilio calls you")
    else:
        note(f"{ringing.provider.name} calls {to}; the end of the call is waited for")
    outcome = await trial.outcome(ringing, within=_PATIENCE)
    if outcome is None:
        note("How it went is not known yet")
    elif not outcome.failure:
        note(f"Outcome: {outcome.results.get('outcome') or 'answered'}")
    return outcome


def _say_words(spoken: "Spoken") -> None:
    speech = spoken.message.speech
    if speech is None:
        return
    if speech.audio:
        say(f"Plays {speech.audio}")
        return
    say(spoken.message.body)
    note(f"Voice: {speech.voice} ({speech.language}), speed {speech.rate} %, volume {speech.volume:+d} dB")


def _as_json(spoken: "Spoken", *, outcome: "Outcome | None") -> dict[str, object]:
    from dataclasses import asdict

    message, context = spoken.message, spoken.context
    return {
        "order": context.key.number,
        "stage": context.stage,
        "rule": context.rule.id,
        "send_id": str(context.send_id),
        "text": message.body,
        "speech": asdict(message.speech) if message.speech else None,
        "outcome": outcome.results if outcome else None,
    }


def _phone(given: str) -> str:
    from activities.store.values import e164

    if not given:
        return ""
    try:
        return e164(given)
    except ValueError as error:
        raise Failure(f"--to: {error}", help="write it like +48501234567", code=Exit.USAGE) from error
