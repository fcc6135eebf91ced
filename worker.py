"""The worker process: settings, store, providers, registration; runs until SIGTERM. Only tests import it.

python -m worker [--queue orders-sms ...]      without --queue it serves every queue
"""

import gc

gc.disable()  # all that a start makes stays: collections would look at it again and again, until `_run` sets it apart

import argparse
import asyncio
import os
import signal
import sys
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import timedelta
from typing import Any

import uvloop
from prometheus_client import start_http_server
from temporalio.client import Client
from temporalio.worker import Worker

from activities.actions import ACTIONS
from activities.actions.protocol import Action, Premises
from activities.caretaker import Care, Caretaker
from activities.courier import Courier, Rhythm
from activities.decide import Decisions
from activities.providers.errors import Misconfigured
from activities.providers.registry import Connecting, Providers
from activities.providers.registry import connect as connect_providers
from activities.records import Records
from activities.registration import by_queue
from activities.runtime import logs, temporal
from activities.runtime.replies import Replies
from activities.runtime.settings import Settings
from activities.runtime.tokens import Tokens
from activities.runtime.workers import orders_worker, sending_worker
from activities.sends import SendLimits, Sends
from activities.shelf import Shelf
from activities.store.database import Store, StoreDown
from starter.client import OrdersClient
from starter.relay import Relay
from workflows.contracts.ids import TASK_QUEUE
from workflows.pipeline.kinds import Kinds

#: Exit codes as those of the `orders` command.
OK, FAILED, USAGE, UNREACHABLE = 0, 1, 2, 4

_log = logs.log("worker")


#: Builds the providers.
Connect = Callable[[Connecting], Providers]


def main(*, actions: Mapping[str, Action] = ACTIONS, connect: Connect = connect_providers) -> int:
    """Run the worker until it is told to stop; return its exit code. Tests hand in rule kinds and providers."""
    parser = argparse.ArgumentParser(prog="worker", description="Carry out the orders' workflows and rules.")
    parser.add_argument("--queue", action="append", default=[], help="serve this task queue only (repeatable)")
    given = parser.parse_args()
    settings = Settings()
    logs.configure(settings)
    try:
        return uvloop.run(_run(settings, queues=given.queue, actions=actions, connect=connect))
    except (temporal.TemporalDown, StoreDown) as error:
        _log.error("The worker cannot start", reason=str(error))
        return UNREACHABLE
    except (UnknownQueue, Misconfigured) as error:
        _log.error("The worker cannot start", reason=str(error))
        return USAGE


class UnknownQueue(Exception):
    """A queue was named that no rule kind uses."""


async def _run(settings: Settings, *, queues: list[str], actions: Mapping[str, Action], connect: Connect) -> int:
    store = await Store.open(settings.store_url, pool=settings.store_pool)
    try:
        await store.check()
        client = await temporal.connect(settings, metrics_port=settings.temporal_metrics_port)
        providers = _providers(settings, store, client=client, connect=connect)
        activities = _activities(settings, store, actions=actions, providers=providers)
        workers = _workers(client, activities=activities, queues=queues, providers=providers)
        relay = Relay(store, orders=OrdersClient(client, shop=settings.shop))
        if settings.metrics_port:
            start_http_server(settings.metrics_port, addr="127.0.0.1")
        gc.freeze()  # a full collection over thousands of cached orders would stop every workflow for seconds
        gc.enable()
        rhythm = Rhythm(lease=timedelta(seconds=settings.lease_seconds))
        courier = Courier(store, providers=providers, mailbox=settings.default_mailbox, rhythm=rhythm)
        care = Care(strangers=timedelta(days=settings.visitor_days), strays=timedelta(days=settings.stray_days))
        caretaker = Caretaker(store, care=care)
        return await _until_told(workers, beside=(relay, courier, caretaker))
    finally:
        await store.close()


def _providers(settings: Settings, store: Store, *, client: Client, connect: Connect) -> Providers:
    return connect(
        Connecting(
            store=store,
            channels=settings.channels(),
            environment=os.environ,
            folder=settings.secrets,
            public_url=settings.public_url.rstrip("/"),
            client=client,
            allows_private=settings.webhook_allow_private,
        )
    )


def _activities(
    settings: Settings, store: Store, *, actions: Mapping[str, Action], providers: Providers
) -> dict[str, list[Callable[..., Any]]]:
    shelf = Shelf(Kinds(action.kind for action in actions.values()))
    tokens = _tokens(settings)
    premises = Premises(
        public_url=settings.public_url.rstrip("/"),
        tokens=tokens,
        replies=_replies(settings, tokens=tokens),
        default_mailbox=settings.default_mailbox,
        mailboxes=frozenset(name.strip().lower() for name in settings.mailboxes.split(",") if name.strip()),
    )
    limits = SendLimits(lease=timedelta(seconds=settings.lease_seconds), pace=settings.pace)
    records = Records(store, shelf=shelf, actions=actions, pace=settings.pace)
    return by_queue(
        actions,
        decisions=Decisions(store, shelf=shelf, records=records, pace=settings.pace),
        records=records,
        sends=Sends(store, shelf=shelf, actions=actions, providers=providers, limits=limits, premises=premises),
    )


def _replies(settings: Settings, *, tokens: Tokens | None) -> Replies | None:
    replies = Replies.of(settings.reply_address, tokens=tokens)
    if settings.reply_address and replies is None:
        words = "ORDERS_REPLY_ADDRESS needs it: what proves an answer to a mail is signed"
        raise Misconfigured("ORDERS_TOKEN_KEYS", words)
    return replies


def _tokens(settings: Settings) -> Tokens | None:
    try:
        return Tokens.of(settings.token_keys)
    except ValueError as error:
        raise Misconfigured("ORDERS_TOKEN_KEYS", str(error)) from None


def _workers(
    client: Client, *, activities: dict[str, list[Callable[..., Any]]], queues: list[str], providers: Providers
) -> list[Worker]:
    unknown = [queue for queue in queues if queue not in activities]
    if unknown:
        raise UnknownQueue(f"no task queue {', '.join(unknown)}; there are {', '.join(activities)}")
    workers = []
    for queue in queues or list(activities):
        if queue == TASK_QUEUE:
            workers.append(orders_worker(client, activities=activities[queue]))
        else:
            rate = providers.rate(queue.removeprefix(f"{TASK_QUEUE}-"))
            workers.append(sending_worker(client, activities=activities[queue], task_queue=queue, per_second=rate))
    return workers


async def _until_told(workers: list[Worker], *, beside: tuple[Relay, Courier, Caretaker]) -> int:
    """Run the workers, and what works beside them, until SIGTERM or SIGINT; a part that ends by itself is a failure."""
    told = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        with suppress(NotImplementedError):  # Windows
            loop.add_signal_handler(number, told.set)
    parts = [asyncio.create_task(worker.run()) for worker in workers]
    others = [asyncio.create_task(part.run()) for part in beside]
    waiting = asyncio.create_task(told.wait())
    _log.info("Worker is ready", queues=[worker.task_queue for worker in workers])
    await asyncio.wait([*parts, *others, waiting], return_when=asyncio.FIRST_COMPLETED)
    is_told = told.is_set()
    for task in others:
        task.cancel()
    await asyncio.gather(*(worker.shutdown() for worker in workers))
    ended = await asyncio.gather(*parts, *others, return_exceptions=True)
    waiting.cancel()
    for failure in ended:
        if isinstance(failure, Exception):
            _log.error("A part of the worker failed", exc_info=failure)
    _log.info("Worker has stopped")
    return OK if is_told else FAILED


if __name__ == "__main__":
    code = main()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)  # the SDK's threads may abort the interpreter at a normal exit (sdk-python issue 300)
