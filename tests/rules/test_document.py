"""`document:` makes numbered PDFs with links of their own. Covers E13, T21, case 57."""

import json
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from uuid import UUID, uuid5
from zoneinfo import ZoneInfo

import pytest

from activities.actions.document import Paper, facts_of
from activities.papers import documents_beside, tried
from activities.providers.errors import Rejected
from activities.providers.protocol import Attachment, Message
from activities.providers.typst import BadTemplate, TypstProvider, typeset
from activities.store import documents
from activities.store.documents import DocumentRecord, NewDocument
from tests.rules.desk import NOW, Desk
from tests.support.pdf import letters
from workflows.contracts.ids import OrderKey
from workflows.contracts.reasons import RunReason, RunStatus
from workflows.pipeline.documents import Documents
from workflows.pipeline.fields import CustomerFields, ItemFields, OrderFields, OrderView

EXAMPLES = documents_beside("deploy/pipelines/shop.yaml")

ANNA = {"first_name": "Zażółć", "last_name": "Gęślą", "language": "pl", "country": "PL"}

ITEMS = [{"sku": "TEA", "name": "Tea", "quantity": "2", "price": "24.50"}]

TEXTS = {
    "en": ("Invoice", "Anna Œuvre"),
    "pl": ("Faktura", "Zażółć Gęślą Jaźń"),
    "fr": ("Facture", "Zoë Lœuvre Çà"),
    "de": ("Rechnung", "Jürgen Größe"),
    "vi": ("Hóa đơn", "Đặng Thị Hường Nguyễn Ỹ ữ ợ ỗ ế ằ"),
    "uk": ("Рахунок", "Олена Їжакевич Ґалаґан Єва №"),
}


@pytest.fixture
def shop(desk: Desk) -> Desk:
    """A shop with the templates that are shipped as examples."""
    desk.documents = EXAMPLES
    return desk


async def only(desk: Desk, key: OrderKey, *, name: str) -> DocumentRecord:
    async with desk.store.read() as tx:
        found = await documents.newest(tx, key, name=name)
    assert found is not None
    return found


async def test_a_document_is_a_numbered_pdf_with_a_link_nobody_can_guess(shop: Desk) -> None:
    key = await shop.order(customer=ANNA, items=ITEMS)
    run = await shop.run(key, "document: invoice\nsignature: true")
    document = await only(shop, key, name="invoice")
    assert run.status is RunStatus.DONE
    number = f"{document.created_at.astimezone(ZoneInfo('Europe/Warsaw')).year}-0001"  # that of the shop's day
    assert run.results == {"url": f"/d/{document.token}", "number": number, "file": f"invoice-{number}.pdf"}
    assert document.content.startswith(b"%PDF-")
    assert (document.media_type, document.language, document.is_signed) == ("application/pdf", "pl", True)
    assert (document.rule, document.viewed_at) == ("document", None)
    assert set("ZażółćGęślą") <= letters(document.content)


async def test_a_document_tells_the_order_that_it_was_made(shop: Desk) -> None:
    """Covers T21."""
    key = await shop.order()
    await shop.run(key, "document: quote")
    document = await only(shop, key, name="quote")
    (event,) = [event for event in await shop.events(key) if event.type == "document.created"]
    assert event.data == {
        "template": "quote",
        "document": str(document.id),
        "number": document.number,
        "rule": "document",
    }


async def test_numbers_count_per_template_without_gaps(shop: Desk) -> None:
    key = await shop.order()
    numbers = []
    for rule in ("document: invoice", "document: invoice", "document: quote"):
        numbers.append((await shop.run(key, rule)).results["number"].partition("-")[2])
    assert numbers == ["0001", "0002", "0001"]


async def test_a_rule_that_is_repeated_makes_the_same_document(shop: Desk) -> None:
    key = await shop.order()
    visit = await shop.enter(key, "document: invoice")
    first = await shop.carry_out(key, visit=visit)
    before = await only(shop, key, name="invoice")
    shop.now = NOW + timedelta(days=2)
    again = await shop.carry_out(key, visit=visit)
    assert again.results == first.results
    assert await only(shop, key, name="invoice") == before


async def test_later_rules_write_the_link_and_number(shop: Desk) -> None:
    key = await shop.order(customer={**ANNA, "phones": [{"number": "+48601234567"}]})
    text = "{{ results.bill.number }}: {{ results.bill.url }}"
    visit = await shop.enter(key, "document: invoice\nid: bill", f"sms: '{text}'\nafter: bill")
    await shop.carry_out(key, visit=visit, rule="bill")
    await shop.carry_out(key, visit=visit, rule="sms")
    document = await only(shop, key, name="bill")
    assert [sent.body for sent in await shop.outbox()] == [f"{document.number}: /d/{document.token}"]


@pytest.mark.parametrize(
    ("rule", "spoken", "language"),
    [
        pytest.param("document: invoice", "pl-PL", "pl", id="auto takes the customer's"),
        pytest.param("document: invoice", "de", "en", id="auto without that language takes the first"),
        pytest.param("document: invoice\nlanguage: uk", "pl", "uk", id="as the rule says"),
    ],
)
async def test_the_language_is_chosen(shop: Desk, rule: str, spoken: str, language: str) -> None:
    key = await shop.order(customer={**ANNA, "language": spoken})
    await shop.run(key, rule)
    document = await only(shop, key, name="invoice")
    assert document.language == language
    assert set(TEXTS[language][0]) - {" "} <= letters(document.content)


async def test_a_pipeline_published_without_its_folder_says_so(desk: Desk) -> None:
    key = await desk.order()
    run = await desk.run(key, "document: invoice")
    assert (run.status, run.reason) == (RunStatus.FAILED, RunReason.MISCONFIGURED)
    assert "has no template 'invoice'" in run.words


async def test_a_template_that_fails_for_an_order_fails_the_rule_without_quoting_it(desk: Desk) -> None:
    template = b'#let data = json(bytes(sys.inputs.data))\n#if data.order.note != "" { panic(data.order.note) }\n'
    desk.documents = tried({"odd.typ": template})
    key = await desk.order(note="Anna's secret")
    run = await desk.run(key, "document: odd")
    assert (run.status, run.reason) == (RunStatus.FAILED, RunReason.REJECTED)
    assert run.words == (
        "The template 'odd' does not fit this order at odd.typ:2:28: correct it and publish it again (template)"
    )


@pytest.mark.parametrize("template", EXAMPLES.templates)
@pytest.mark.parametrize("language", TEXTS)
def test_the_examples_speak_every_language_of_the_shop(template: str, language: str) -> None:
    title, name = TEXTS[language]
    pdf = typeset(EXAMPLES.files, template=template, data=data_for(name, language=language), moment=NOW)
    wanted = set(name if template != "invoice" else name + title) - {" "}
    assert wanted <= letters(pdf)


def test_the_fonts_have_every_letter_of_the_languages() -> None:
    """A letter that no font has is drawn as the same empty box as a code point that is no letter at all."""
    import typst

    wanted = sorted({letter for texts in TEXTS.values() for text in texts for letter in text if letter != " "})
    wanted += ["€", "£", "₴", "₫", "ł", "\u0e01"]  # the last one is Thai, which typst's own fonts do not have
    pages = "#pagebreak()\n".join(f'#text("{letter}")\n' for letter in wanted)
    source = f'#set text(font: "Libertinus Serif")\n{pages}'.encode()
    drawn = typst.compile(source, format="svg", ignore_system_fonts=True)
    shapes = [page.partition(b'<symbol id="')[2].partition(b"</symbol>")[0].partition(b">")[2] for page in drawn]
    missing = shapes[-1]
    assert [letter for letter, shape in zip(wanted, shapes, strict=True) if shape == missing] == ["\u0e01"]


def test_the_same_order_gives_the_same_bytes() -> None:
    made = {
        typeset(EXAMPLES.files, template="invoice", data=data_for("Anna", language="en"), moment=NOW) for _ in range(2)
    }
    assert len(made) == 1


def test_amounts_and_dates_are_written_as_the_customer_writes_them() -> None:
    facts = json.loads(data_for("Anna", language="fr"))
    assert facts["document"]["date"] == "10 mars 2026"
    assert facts["items"][0]["amount"] == "2\u202f469,00\xa0PLN"
    assert facts["customer"]["country"] == "Pologne"


@pytest.mark.parametrize(
    "source",
    [
        pytest.param('#read("/etc/passwd")', id="a file of the machine"),
        pytest.param('#read("../../../../etc/passwd")', id="a way out of the folder"),
        pytest.param('#image("file:///etc/passwd")', id="a file address"),
        pytest.param('#image("http://169.254.169.254/latest/meta-data")', id="an address of the network"),
        pytest.param('#import "@preview/cetz:0.3.0"', id="a package"),
        pytest.param('#import "@local/mine:0.3.0"', id="a package of the machine"),
        pytest.param("#while true {}", id="an endless loop"),
        pytest.param("#let f(n) = f(n + 1)\n#f(0)", id="an endless call"),
    ],
)
def test_a_template_reaches_nothing_but_its_folder(source: str) -> None:
    """Covers case 57."""
    with pytest.raises(BadTemplate):
        typeset({"x.typ": source.encode()}, template="x", data="{}", moment=NOW)


def test_data_are_never_read_as_typst() -> None:
    name = '#panic("no") $ #read("/etc/passwd") \\ "'
    pdf = typeset(EXAMPLES.files, template="invoice", data=data_for(name, language="en"), moment=NOW)
    assert set('#$\\"(/)') <= letters(pdf)


async def test_a_template_that_takes_too_long_is_given_up(desk: Desk) -> None:
    key = await desk.order()
    provider = TypstProvider(desk.store, limit=timedelta(milliseconds=1))
    id = uuid5(UUID(int=1), "slow")
    async with desk.store.write() as tx:
        new = NewDocument(id=id, key=key, template="slow", number="1", name="slow.pdf", language="en")
        await documents.put(tx, new, now=NOW)
    slow = Attachment("slow.typ", "", b"#for a in range(300) { for b in range(300) [#a] }")
    message = Message(channel="document", address=str(key), body="", template="slow", attachments=(slow,))
    with pytest.raises(Rejected, match="takes too long"):
        await provider.send(message, send_id=id)
    assert await provider.lookup(message, send_id=id) is None


async def test_a_lost_answer_is_settled_by_looking_the_document_up(desk: Desk) -> None:
    key = await desk.order()
    provider = TypstProvider(desk.store)
    id = uuid5(UUID(int=1), "lost")
    async with desk.store.write() as tx:
        new = NewDocument(id=id, key=key, template="x", number="1", name="x.pdf", language="en")
        await documents.put(tx, new, now=NOW)
    file = Attachment("x.typ", "", b"Hello")
    message = Message(channel="document", address=str(key), body="", template="x", attachments=(file,))
    assert await provider.lookup(message, send_id=id) is None
    sent = await provider.send(message, send_id=id)
    assert await provider.lookup(message, send_id=id) == sent == await provider.send(message, send_id=id)


def test_the_folder_is_read_and_every_template_tried(tmp_path: Path) -> None:
    folder = tmp_path / "documents"
    folder.mkdir()
    files: Mapping[str, bytes] = {
        "good.typ": b'#import "_part.typ": name\n#name',
        "_part.typ": b"#let name = [x]",
        "bad.typ": b"#let x = \n",
        "signed.typ": b"#let data = json(bytes(sys.inputs.data))\n#if data.document.signed { nothing }",
        "notes.md": b"not published",
    }
    for name, content in files.items():
        (folder / name).write_bytes(content)
    found = documents_beside(str(tmp_path / "shop.yaml"))
    assert found.templates == ["bad", "good", "signed"]
    assert set(found.files) == {"good.typ", "_part.typ", "bad.typ", "signed.typ"}
    assert found.broken == {
        "bad": "expected expression (bad.typ:1:8)",
        "signed": "unknown variable: nothing (signed.typ:2:27)",
    }


def test_a_folder_that_is_too_large_is_not_published() -> None:
    found = tried({"a.typ": b"Hello", "photo.png": b"x" * 4_000_001})
    assert found.broken == {"a": "the folder holds more than 4 MB, and all of it is published"}


def test_the_examples_are_without_a_mistake() -> None:
    assert EXAMPLES.templates == ["invoice", "packing-slip", "quote"]
    assert EXAMPLES.broken == {}
    assert isinstance(EXAMPLES, Documents)


def data_for(name: str, *, language: str) -> str:
    view = OrderView(
        order=OrderFields(
            number="1001",
            total=Decimal(2469),
            currency="PLN",
            created_at=NOW,
            tracking_number="PL7",
            note="Ring twice",
            items=[ItemFields(sku="T", name="Tea", quantity=Decimal(2), price=Decimal("1234.50"))],
        ),
        customer=CustomerFields(id="anna", name=name, language=language, country="PL"),
    )
    paper = Paper(
        template="invoice",
        number="2026-0001",
        day=date(2026, 3, 10),
        is_signed=True,
        language=language,
        locale=language,
        zone=UTC,
        shop="Demo Shop",
    )
    return json.dumps(facts_of(view, paper=paper))


def test_the_moment_of_a_document_is_in_the_file() -> None:
    earlier = typeset({"x.typ": b"Hello"}, template="x", data="{}", moment=datetime(2025, 1, 1, tzinfo=UTC))
    assert b"2025" in earlier
