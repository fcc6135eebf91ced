"""Who of the staff a rule means: ids, departments, `responsible`, `role:NAME`, some of them through `vars`."""

from collections.abc import Sequence
from dataclasses import dataclass

from activities.actions.protocol import Ended, RunContext, skipped
from activities.actions.wording import filled
from activities.store import employees, notices
from activities.store.database import Tx
from activities.store.history import NewNotice
from activities.store.records import EmployeeRecord
from workflows.contracts.reasons import RunReason

#: A recipient that is a chat room of the staff.
_ROOM = "chat:"


@dataclass(frozen=True)
class Audience:
    """Whom a notice goes to: employees, and chat rooms of the staff by name."""

    found: list[EmployeeRecord]
    rooms: tuple[str, ...] = ()


async def staff(context: RunContext, tx: Tx, *, recipients: tuple[str, ...]) -> list[EmployeeRecord] | Ended:
    """Find the employees, each once; a run whose recipients are nobody ends skipped."""
    names = _names(context, recipients)
    if isinstance(names, Ended):
        return names
    found = await employees.resolve(tx, recipients=names, key=context.key)
    return found or _nobody(recipients)


async def audience(context: RunContext, tx: Tx, *, recipients: tuple[str, ...]) -> Audience | Ended:
    """Find the employees and the chat rooms, each once; a run whose recipients are nobody ends skipped."""
    names = _names(context, recipients)
    if isinstance(names, Ended):
        return names
    rooms = tuple(dict.fromkeys(name.removeprefix(_ROOM) for name in names if name.startswith(_ROOM)))
    people = [name for name in names if not name.startswith(_ROOM)]
    found = await employees.resolve(tx, recipients=people, key=context.key) if people else []
    return Audience(found, rooms) if found or rooms else _nobody(recipients)


async def tell(
    context: RunContext,
    tx: Tx,
    *,
    found: Sequence[EmployeeRecord],
    text: str,
    sender: str = "",
    rooms: Sequence[str] = (),
    file: dict[str, str] | None = None,
) -> str:
    """Put a notice into each inbox and room, and say who was told; without a sender it is the shop's."""
    shown = sender or context.pipeline.shop_name or context.view.shop.name or context.key.shop
    ref = str(context.run)
    sent = [NewNotice(employee=employee.id, text=text, sender=shown, ref=ref, file=file) for employee in found]
    sent += [NewNotice(room=room, text=text, sender=shown, ref=ref) for room in rooms]
    await notices.add(tx, notices=sent, key=context.key, now=context.now)
    return f"Told {', '.join([*(employee.id for employee in found), *(f'{_ROOM}{room}' for room in rooms)])}"


def _names(context: RunContext, recipients: tuple[str, ...]) -> list[str] | Ended:
    names: list[str] = []
    for recipient in recipients:
        name = filled(context, recipient, limit=200) if "{{" in recipient else recipient
        if isinstance(name, Ended):
            return name
        names.append(name.strip())
    return names


def _nobody(recipients: tuple[str, ...]) -> Ended:
    words = f"Nobody is meant by {', '.join(recipients)}: add the employee, the role or a responsible person"
    return skipped(RunReason.NO_RECIPIENT, words)
