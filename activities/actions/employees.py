"""Who of the staff a rule means: ids, departments, `responsible`, `role:NAME`, some of them through `vars`."""

from activities.actions.protocol import Ended, RunContext, skipped
from activities.actions.wording import filled
from activities.store import employees, notices
from activities.store.database import Tx
from activities.store.history import NewNotice
from activities.store.records import EmployeeRecord
from workflows.contracts.reasons import RunReason


async def staff(context: RunContext, tx: Tx, *, recipients: tuple[str, ...]) -> list[EmployeeRecord] | Ended:
    """Find the employees, each once; a run whose recipients are nobody ends skipped."""
    names: list[str] = []
    for recipient in recipients:
        name = filled(context, recipient, limit=200) if "{{" in recipient else recipient
        if isinstance(name, Ended):
            return name
        names.append(name.strip())
    found = await employees.resolve(tx, recipients=names, key=context.key)
    if found:
        return found
    words = f"Nobody is meant by {', '.join(recipients)}: add the employee, the role or a responsible person"
    return skipped(RunReason.NO_RECIPIENT, words)


async def tell(context: RunContext, tx: Tx, *, found: list[EmployeeRecord], text: str, sender: str = "") -> str:
    """Put a notice into each employee's inbox, and say who was told; without a sender it is the shop's."""
    shown = sender or context.pipeline.shop_name or context.view.shop.name or context.key.shop
    sent = [NewNotice(employee=employee.id, text=text, sender=shown, ref=str(context.run)) for employee in found]
    await notices.add(tx, notices=sent, key=context.key, now=context.now)
    return f"Told {', '.join(employee.id for employee in found)}"
