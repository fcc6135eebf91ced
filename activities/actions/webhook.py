"""`webhook:` calls one of the shop's own systems, signed as Standard Webhooks."""

import json
from enum import StrEnum

from pydantic import Field

from activities.actions.protocol import Composed, RunContext
from activities.providers.protocol import Message
from activities.store.database import Tx
from workflows.pipeline.fields import OrderView
from workflows.pipeline.kinds import Reference, RuleKind, RuleSettings


class Part(StrEnum):
    """What a call tells beside the order's number."""

    ORDER = "order"
    CUSTOMER = "customer"
    RESPONSIBLE = "responsible"
    RESULTS = "results"


class Webhook(RuleSettings):
    """Call one of your own systems."""

    webhook: str = Field(
        min_length=1,
        max_length=2000,
        description="The https address.",
        examples=["https://erp.example/hooks/shipped"],
    )
    secret: str = Field(
        default="WEBHOOK",
        pattern=r"^[A-Z][A-Z0-9_]{0,60}$",
        description="The name of the secret that signs the call; its value (whsec_…) is the setting "
        "ORDERS_SECRET_<NAME>, never written here.",
        examples=["ERP_TOKEN"],
    )
    event: str = Field(
        default="order.changed",
        pattern=r"^[a-zA-Z0-9_.]{1,100}$",
        description="The `type` of the call's body.",
        examples=["order.shipped"],
    )
    include: tuple[Part, ...] = Field(
        default=(Part.ORDER,),
        description="What the body tells: order, customer, responsible, results.",
        examples=[["order", "customer"]],
    )


def _title(settings: RuleSettings) -> str:
    return f"Webhook: {settings.event}" if isinstance(settings, Webhook) else "Webhook"


KIND = RuleKind(
    name="webhook",
    settings=Webhook,
    is_record=False,
    references={"webhook": Reference.URL},
    results={"status": int},
    title=_title,
)


async def compose(context: RunContext, tx: Tx) -> Composed:
    """Write the body: `type`, `timestamp`, `data`, as the standard recommends."""
    settings = context.settings(Webhook)
    data: dict[str, object] = {
        "shop": context.key.shop,
        "number": context.key.number,
        "stage": context.stage,
        "visit": context.visit,
        "rule": context.rule.id,
        **{str(part): _part(context.view, part) for part in dict.fromkeys(settings.include)},
    }
    body = {"type": settings.event, "timestamp": context.now.isoformat(), "data": data}
    return Message(
        channel="webhook",
        address=settings.webhook,
        body=json.dumps(body, ensure_ascii=False, separators=(",", ":")),
        secret=settings.secret,
    )


def _part(view: OrderView, part: Part) -> object:
    if part is Part.RESULTS:
        return view.results
    chosen = getattr(view, part)
    return None if chosen is None else chosen.model_dump(mode="json")
