"""The folder of document templates beside a pipeline file: read, and every template tried with a made-up order."""

import json
from collections.abc import Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

from activities.actions.document import Paper, facts_of
from activities.providers.typst import BadTemplate, typeset
from workflows.pipeline.documents import SUFFIX, Documents
from workflows.pipeline.fields import CustomerFields, EmployeeFields, ItemFields, OrderFields, OrderView, ShopFields

#: The folder's name, and what may be in it: all of it is published with the pipeline.
FOLDER = "documents"
_STDIN = ("-", "<stdin>")
_SUFFIXES = (SUFFIX, ".svg", ".png", ".jpg", ".jpeg", ".json", ".csv", ".ttf", ".otf")
MOST_BYTES = 4_000_000

_MOMENT = datetime(2026, 1, 5, 12, 0, tzinfo=UTC)


def documents_beside(file: str) -> Documents:
    """Read the templates beside a pipeline file, or in the working folder for standard input; none is no mistake."""
    folder = Path(FOLDER) if file in _STDIN else Path(file).parent / FOLDER
    found = sorted(path for path in folder.iterdir() if _belongs(path)) if folder.is_dir() else []
    files = {path.name: path.read_bytes() for path in found}
    return tried(files)


def tried(files: Mapping[str, bytes]) -> Documents:
    """Try every template with a made-up order, with and without signature."""
    documents = Documents(files)
    if sum(len(content) for content in files.values()) > MOST_BYTES:
        words = f"the folder holds more than {MOST_BYTES // 1_000_000} MB, and all of it is published"
        return Documents(files, broken=dict.fromkeys(documents.templates, words))
    broken = {name: words for name in documents.templates if (words := _mistake(files, template=name))}
    return Documents(files, broken=broken)


def _belongs(path: Path) -> bool:
    return path.is_file() and path.suffix.lower() in _SUFFIXES and not path.name.startswith(".")


def _mistake(files: Mapping[str, bytes], *, template: str) -> str:
    for is_signed in (False, True):
        data = json.dumps(_sample(template, is_signed=is_signed), sort_keys=True)
        try:
            typeset(files, template=template, data=data, moment=_MOMENT)
        except BadTemplate as error:
            return f"{error.words} ({error.place})" if error.place else error.words
    return ""


def _sample(template: str, *, is_signed: bool) -> dict[str, object]:
    view = OrderView(
        order=OrderFields(
            number="1001",
            total=Decimal("49.90"),
            created_at=_MOMENT,
            delivery_date=date(2026, 1, 9),
            items=[
                ItemFields(sku="T-1", name="Tea", quantity=Decimal(2), price=Decimal("9.95")),
                ItemFields(sku="P-7", name="Pot", quantity=Decimal(1), price=Decimal("30.00")),
            ],
        ),
        customer=CustomerFields(id="anna", name="Anna Example", email="anna@mail.example", country="PL"),
        responsible=EmployeeFields(id="olga", name="Olga Example"),
        shop=ShopFields(id="shop", name="Shop"),
    )
    paper = Paper(
        template=template,
        number="2026-0001",
        day=_MOMENT.date(),
        is_signed=is_signed,
        language="en",
        locale="en",
        zone=UTC,
        shop="Shop",
    )
    return facts_of(view, paper=paper)
