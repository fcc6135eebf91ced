"""`document:` makes a PDF of a template for the order: an invoice, a packing slip, a quote; numbered, with a link.

The rule reserves the number and the link in its own transaction; the provider makes the file.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, tzinfo
from decimal import Decimal
from typing import Literal

from pydantic import Field

from activities.actions.protocol import Composed, RunContext, failed
from activities.providers.protocol import Attachment, Message
from activities.store import documents
from activities.store.database import Tx
from activities.store.documents import DocumentRecord, NewDocument
from workflows.contracts.reasons import RunReason
from workflows.pipeline.documents import SUFFIX
from workflows.pipeline.fields import CustomerFields, EmployeeFields, ItemFields, OrderView
from workflows.pipeline.kinds import Reference, RuleKind, RuleSettings

AUTO = "auto"


class Document(RuleSettings):
    """Make a document for the order: a PDF with a public link that nobody can guess."""

    document: str = Field(
        pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]{0,59}$",
        description="The template: the name of a .typ file in the folder `documents` beside the pipeline file.",
        examples=["invoice", "packing-slip"],
    )
    signature: bool = Field(
        default=False, description="With the shop's signature and stamp, where the template has them.", examples=[True]
    )
    format: Literal["pdf"] = Field(default="pdf", description="The kind of file.", examples=["pdf"])
    language: str = Field(
        default=AUTO,
        pattern=r"^[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8}){0,3}$",
        description="The document's language. `auto`: the customer's, where the pipeline has it among its `languages`, "
        "else the first of these.",
        examples=["auto", "pl"],
    )
    provider: str = Field(
        default="",
        description="The provider that makes it. Default: the one set for documents.",
        examples=["typst"],
    )


def _title(settings: RuleSettings) -> str:
    return f"Document: {settings.document}" if isinstance(settings, Document) else "Document"


KIND = RuleKind(
    name="document",
    settings=Document,
    is_record=False,
    references={"document": Reference.DOCUMENT},
    results={"url": str, "number": str, "file": str},
    title=_title,
)


@dataclass(frozen=True)
class Paper:
    """What a document is written with: its language and locale (fr-CH), the shop's zone, its number and day."""

    template: str
    number: str
    day: date
    is_signed: bool
    language: str
    locale: str
    zone: tzinfo
    shop: str


async def compose(context: RunContext, tx: Tx) -> Composed:
    """Reserve the document and write down its data."""
    return await composed(context, tx)


async def composed(context: RunContext, tx: Tx, *, content: bytes = b"", token: str = "") -> Composed:
    """Reserve the document, or store it with a content and a token that are given, as in a rehearsal."""
    settings = context.settings(Document)
    files = context.pipeline.documents
    if f"{settings.document}{SUFFIX}" not in files:
        words = f"The published pipeline has no template '{settings.document}': publish it again with its folder"
        return failed(RunReason.MISCONFIGURED, words)
    language, locale = _languages(context, wanted=settings.language)
    record = await documents.find(tx, id=context.run)
    if record is None:
        record = await _reserved(context, tx, settings=settings, language=language, content=content, token=token)
    paper = Paper(
        template=record.template,
        number=record.number,
        day=_day(context, record.created_at),
        is_signed=record.is_signed,
        language=language,
        locale=locale,
        zone=context.pipeline.zone,
        shop=context.pipeline.shop_name or context.view.shop.name,
    )
    told = {"template": record.template, "document": str(record.id), "number": record.number}
    return Message(
        channel="document",
        address=str(context.key),
        body=record.name,
        provider=settings.provider,
        template=record.template,
        variables={"data": json.dumps(facts_of(context.view, paper=paper), sort_keys=True)},
        attachments=tuple(Attachment(name, "", content) for name, content in sorted(files.items())),
        results={
            "url": f"{context.premises.public_url}/d/{record.token}",
            "number": record.number,
            "file": record.name,
        },
        events=(("document.created", {**told, "rule": context.rule.id}),),
    )


async def _reserved(
    context: RunContext, tx: Tx, *, settings: Document, language: str, content: bytes, token: str
) -> DocumentRecord:
    template = settings.document
    year = _day(context, context.now).year
    number = await documents.next_number(tx, shop=context.key.shop, template=template, year=year)
    new = NewDocument(
        id=context.run,
        key=context.key,
        template=template,
        number=number,
        name=f"{template}-{number}.{settings.format}",
        language=language,
        is_signed=settings.signature,
        content=content,
        token=token,
        rule=context.rule.id,
    )
    return await documents.put(tx, new, now=context.now)


def _day(context: RunContext, moment: datetime) -> date:
    return moment.astimezone(context.pipeline.zone).date()


def _languages(context: RunContext, *, wanted: str) -> tuple[str, str]:
    """Return the language of the words, and the locale of amounts and dates, which may know the country too."""
    if wanted != AUTO:
        return wanted.partition("-")[0], wanted
    customer = context.view.customer
    own = customer.language.replace("_", "-") if customer is not None else ""
    base = own.partition("-")[0]
    if base and any(base == one.partition("-")[0] for one in context.pipeline.languages):
        return base, own
    first = context.pipeline.languages[0]
    return first.partition("-")[0], first


def facts_of(view: OrderView, *, paper: Paper) -> dict[str, object]:
    """Return what a template gets as JSON; amounts, dates and numbers are written as the customer writes them."""
    writer = _Writer(paper.locale, currency=view.order.currency, zone=paper.zone)
    order = view.order
    items = [_item(item, writer=writer) for item in order.items]
    return {
        "document": {
            "template": paper.template,
            "number": paper.number,
            "date": writer.day(paper.day),
            "language": paper.language,
            "signed": paper.is_signed,
        },
        "shop": {"id": view.shop.id, "name": paper.shop},
        "order": {
            "number": order.number,
            "date": writer.day(order.created_at),
            "delivery_date": writer.day(order.delivery_date) if order.delivery_date else "",
            "currency": order.currency,
            "paid": order.paid,
            "cancelled": order.cancelled,
            "tracking_number": order.tracking_number,
            "note": order.note,
            "tags": order.tags,
            "fields": writer.texts(order.fields),
        },
        "items": items,
        "totals": {
            "items": writer.money(sum((item.quantity * item.price for item in order.items), Decimal(0))),
            "total": writer.money(order.total),
            "paid": writer.money(order.paid_amount),
            "due": writer.money(max(order.total - order.paid_amount, Decimal(0))),
        },
        "customer": _customer(view.customer or CustomerFields(), writer=writer),
        "responsible": _employee(view.responsible or EmployeeFields()),
    }


def _item(item: ItemFields, *, writer: "_Writer") -> dict[str, object]:
    return {
        "sku": item.sku,
        "name": item.name,
        "quantity": writer.number(item.quantity),
        "price": writer.money(item.price),
        "amount": writer.money(item.quantity * item.price),
    }


def _customer(customer: CustomerFields, *, writer: "_Writer") -> dict[str, object]:
    return {
        "name": customer.name or customer.company,
        "company": customer.company,
        "email": customer.email,
        "phone": customer.phone,
        "country": writer.country(customer.country),
        "fields": writer.texts(customer.fields),
    }


def _employee(employee: EmployeeFields) -> dict[str, object]:
    return {"name": employee.name, "email": employee.email, "phone": employee.phone}


class _Writer:
    """Write values as people of a locale do."""

    def __init__(self, language: str, *, currency: str, zone: tzinfo) -> None:
        from workflows.pipeline.filters import locale_of  # noqa: PLC0415 - its libraries are heavy

        self._locale = locale_of(language)
        self._currency = currency
        self._zone = zone

    def money(self, amount: Decimal) -> str:
        from babel.numbers import format_currency  # noqa: PLC0415

        return str(format_currency(amount, self._currency, locale=self._locale))

    def number(self, number: Decimal) -> str:
        from babel.numbers import format_decimal  # noqa: PLC0415

        return str(format_decimal(number, locale=self._locale))

    def day(self, moment: date | datetime) -> str:
        from babel.dates import format_date  # noqa: PLC0415

        day = moment.astimezone(self._zone).date() if isinstance(moment, datetime) else moment
        return str(format_date(day, format="long", locale=self._locale))

    def country(self, code: str) -> str:
        return str(self._locale.territories.get(code.upper(), code)) if code else ""

    def texts(self, fields: Mapping[str, object]) -> dict[str, str]:
        return {name: self._text(value) for name, value in sorted(fields.items())}

    def _text(self, value: object) -> str:
        if isinstance(value, (date, datetime)):
            return self.day(value)
        if isinstance(value, (int, float, Decimal)) and not isinstance(value, bool):
            return self.number(Decimal(str(value)))
        if isinstance(value, (list, tuple)):
            return ", ".join(str(one) for one in value)
        return "" if value is None else str(value)
