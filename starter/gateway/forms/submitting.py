"""A form that was filled in well: its person is found or stored, its visitor linked, its event journalled; at once."""

from typing import Any
from uuid import uuid5

from activities.store import people, visitors
from activities.store.database import Tx
from starter.gateway.forms.passes import Pass
from starter.gateway.forms.reading import Filled, person_of
from starter.gateway.hooks import Happened, Told, take
from starter.gateway.parts import Parts
from workflows.contracts.ids import RUNS
from workflows.pipeline.forms import Form

SOURCE = "forms"


async def submit(gateway: Parts, *, form: Form, given: Pass, filled: Filled, language: str) -> None:
    """Journal what was filled in (T08, T09), once for each pass; raise StoreDown."""
    now = gateway.now()
    person = person_of(form, answers=filled.answers, language=language, agrees=filled.agrees)

    async def happened(tx: Tx) -> tuple[Happened, ...]:
        # The id is made of the pass, so that the same form sent twice at once stores one customer.
        known = await people.known(tx, person, new_id=uuid5(RUNS, f"form:{given.id}").hex, now=now)
        if given.visitor and known.only is not None:
            await visitors.link(
                tx, id=given.visitor, shop=gateway.settings.shop, customer=known.only, form=form.id, now=now
            )
        data: dict[str, Any] = {"name": form.id, "fields": dict(filled.answers), "language": language}
        if known.only is not None:
            data["customer"] = known.only
        if form.consent:
            data["consent"] = filled.agrees
        return (Happened(given.id, form.event_type, now, data, customer=known.ref),)

    await take(gateway, source=SOURCE, told=Told(), raw=b"", also=happened)
