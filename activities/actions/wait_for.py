"""`wait_for: customer` waits for the customer, `at_most` so long; then tells the responsible person.

The waiting itself is the engine's; the rule is carried out when it ends.
"""

from typing import Literal

from pydantic import Field

from activities.actions.employees import staff, tell
from activities.actions.protocol import Ended, RunContext, done
from activities.actions.wording import worded
from activities.store import runs
from activities.store.database import Tx
from workflows.contracts.plans import BY_CUSTOMER
from workflows.pipeline.durations import DurationSetting
from workflows.pipeline.kinds import RuleKind, RuleSettings, TextField


class WaitFor(RuleSettings):
    """Wait for any activity of the customer."""

    wait_for: Literal["customer"] = Field(description="Whom to wait for.", examples=["customer"])
    at_most: DurationSetting = Field(description="The longest wait; then the chain goes on.", examples=["2d", "4h"])
    text: str = Field(
        default="",
        description="What the responsible person is told (Liquid). Default: how the wait ended.",
        examples=["Order {{ order.number }}: the customer is back, or two days are over."],
    )


_TEXT = TextField("text")


def _title(settings: RuleSettings) -> str:
    return f"Wait for the customer, at most {settings.at_most}" if isinstance(settings, WaitFor) else "Wait"


KIND = RuleKind(
    name="wait_for",
    settings=WaitFor,
    texts=(_TEXT,),
    results={"in_time": bool},
    wakes_on_customer=True,
    wait_setting="at_most",
    title=_title,
)


async def record(context: RunContext, tx: Tx) -> Ended:
    """Tell the responsible person that the wait is over; `in_time` says that it ended before `at_most`."""
    settings = context.settings(WaitFor)
    run = await runs.run_of(tx, context.key, visit=context.visit, rule=context.rule.id)
    in_time = run is not None and run.words == BY_CUSTOMER
    how = "the customer was active" if in_time else f"no activity of the customer within {settings.at_most}"
    text = f"Order {context.key.number}: {how}."
    if settings.text:
        rendered = worded(context, settings.text, field=_TEXT, for_employees=True)
        if isinstance(rendered, Ended):
            return rendered
        text = rendered.body
    found = await staff(context, tx, recipients=("responsible",))
    if isinstance(found, Ended):
        return done(f"The wait is over: {how}; nobody is responsible for the order", results={"in_time": in_time})
    await tell(context, tx, found=found, text=text)
    return done(f"The wait is over: {how}", results={"in_time": in_time})
