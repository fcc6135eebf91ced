"""The people of the demo shop, as the example pipeline names them; put again at each start, which changes nothing."""

from datetime import UTC, datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from activities.store.database import Store
    from activities.store.records import Department, NewEmployee


async def seed(store: "Store") -> None:
    """Put the departments and employees of the demo shop, unless somebody has put employees of their own."""
    from activities.store import employees
    from activities.store.database import NotFound

    now = datetime.now(UTC)
    async with store.write() as tx:
        try:
            await employees.get(tx, id=_people()[0].id)
        except NotFound:
            for department in _departments():
                await employees.put_department(tx, department)
            for person in _people():
                await employees.put(tx, person, now=now)


def _departments() -> "list[Department]":
    from activities.store.records import Department

    return [Department(id="sales", title="Sales"), Department(id="warehouse", title="Warehouse")]


def _people() -> "list[NewEmployee]":
    from activities.store.records import NewEmployee

    rows = (
        ("dana", "Dana", "Levy", "sales", None, ["director"]),
        ("olga", "Olga", "Nowak", "sales", "dana", ["sales"]),
        ("marek", "Marek", "Zieliński", "sales", "dana", ["sales"]),
        ("piotr", "Piotr", "Wójcik", "warehouse", "dana", ["warehouse"]),
    )
    return [
        NewEmployee(
            id=id,
            first_name=first,
            last_name=last,
            email=f"{id}@shop.example",
            department=department,
            head=head,
            roles=roles,
            time_zone="Europe/Warsaw",
            hours="mon-fri 09:00-17:00",
        )
        for id, first, last, department, head, roles in rows
    ]
