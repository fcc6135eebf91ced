"""The product's own decisions and rules on a scratch store, with a stand-in for every provider: nothing leaves.

For the lab. All that differs from a worker is handed in: the clock, the providers, and what chance decides.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from random import Random

from activities.actions import ACTIONS, KINDS, code, document
from activities.actions.protocol import Action, Composed, Ended, Premises, RunContext
from activities.decide import Decisions
from activities.providers.stand_in import StandIn, StandIns
from activities.records import Records
from activities.sends import Sends
from activities.shelf import Shelf
from activities.store.database import Tx
from activities.store.scratch import Scratch

#: The shop's mailbox in the lab, where no rule names one.
MAILBOX = "shop@lab.example"


async def _same_code(context: RunContext, tx: Tx) -> Ended:
    """Make the code that this run gets in every rehearsal."""
    return code.made(context, choose=Random(context.run.int).choice)


async def _same_document(context: RunContext, tx: Tx) -> Composed:
    """Reserve the document that this run gets in every rehearsal; its file says nothing."""
    return await document.composed(context, tx, content=b"%PDF-1.7\n%%EOF\n", token=f"rehearsal-{context.run}")


#: The rules' actions, without chance.
REPEATABLE: Mapping[str, Action] = {
    **ACTIONS,
    "code": replace(ACTIONS["code"], record=_same_code),
    "document": replace(ACTIONS["document"], compose=_same_document),
}


@dataclass(frozen=True)
class Rehearsal:
    """The parts of a worker, and the store and the stand-in they work on."""

    store: Scratch
    shelf: Shelf
    decisions: Decisions
    records: Records
    sends: Sends
    stand_in: StandIn


def rehearsal(clock: Callable[[], datetime], *, shelf: Shelf | None = None) -> Rehearsal:
    """Put the parts together on an empty store. `clock` tells the moment of every send."""
    store, stand_in = Scratch(), StandIn(clock=clock)
    known = shelf or Shelf(KINDS)
    records = Records(store, shelf=known, actions=REPEATABLE)
    return Rehearsal(
        store=store,
        shelf=known,
        decisions=Decisions(store, shelf=known, records=records),
        records=records,
        sends=Sends(
            store,
            shelf=known,
            actions=REPEATABLE,
            providers=StandIns(stand_in),
            premises=Premises(default_mailbox=MAILBOX, public_url="https://lab.example"),
            clock=clock,
        ),
        stand_in=stand_in,
    )
