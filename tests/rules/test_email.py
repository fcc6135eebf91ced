"""Mails to customers and employees. Covers C3, E19, M42."""

import base64
from uuid import UUID, uuid4

import pytest
from temporalio.exceptions import ApplicationError

from activities.actions import KINDS
from activities.providers.sendgrid import SendGridProvider
from activities.store import documents
from activities.store.documents import NewDocument
from tests.providers.mails import account
from tests.rules.desk import Desk
from tests.support.stand_ins.sendgrid import Fate, SendGridStandIn
from workflows.contracts.ids import OrderKey
from workflows.contracts.reasons import RunReason, RunStatus
from workflows.pipeline.documents import Documents
from workflows.pipeline.loader import load
from workflows.pipeline.problems import as_text

ANNA = {
    "first_name": "Anna",
    "emails": [{"email": "anna@example.com", "type": "home"}, {"email": "anna@work.example", "type": "work"}],
}


async def test_mail_has_a_plain_and_an_html_part(desk: Desk) -> None:
    key = await desk.order(customer=ANNA)
    run = await desk.run(key, "email: pay-link")
    (sent,) = await desk.outbox()
    link = "https://shop.example/pay/t_1001_"
    assert (sent.channel, sent.address, sent.subject) == ("email", "anna@example.com", "Pay for order 1001")
    assert sent.body == f"Please pay: {link}\n"
    assert sent.html == (f'<p>Please <strong>pay</strong>: <a href="{link}" rel="noopener noreferrer">{link}</a></p>\n')
    assert run.status is RunStatus.DONE
    assert run.results == {"mailbox": "shop@example.com", "language": "en"}


async def test_subject_and_text_are_in_the_language_of_the_customer(desk: Desk) -> None:
    key = await desk.order(customer={**ANNA, "language": "pl"})
    await desk.run(key, "email: pay-link")
    (sent,) = await desk.outbox()
    assert sent.subject == "Opłać zamówienie 1001"
    assert sent.body.startswith("Prosimy o płatność")


async def test_subject_of_the_rule_wins_and_stays_one_line(desk: Desk) -> None:
    key = await desk.order(customer=ANNA, note="a\r\nBcc: all@example.com")
    await desk.run(key, "email: pay-link\nsubject: 'About {{ order.note }}'")
    assert [sent.subject for sent in await desk.outbox()] == ["About a Bcc: all@example.com"]


async def test_value_of_a_customer_is_text_and_never_markup(desk: Desk) -> None:
    key = await desk.order(customer={**ANNA, "first_name": "[x](https://evil.example) <b>y</b>"})
    await desk.run(key, "email: 'Hello {{ customer.first_name }}'\nsubject: Hello")
    (sent,) = await desk.outbox()
    assert "<b>" not in sent.html
    assert ">x</a>" not in sent.html


@pytest.mark.parametrize(("wanted", "address"), [("auto", "anna@example.com"), ("work", "anna@work.example")])
async def test_address_of_the_named_type_is_used(desk: Desk, wanted: str, address: str) -> None:
    key = await desk.order(customer=ANNA)
    await desk.run(key, f"email: pay-link\naddress: {wanted}")
    assert [sent.address for sent in await desk.outbox()] == [address]


async def test_rule_does_not_run_without_an_address_of_the_named_type(desk: Desk) -> None:
    run = await desk.run(await desk.order(customer=ANNA), "email: pay-link\naddress: mobile")
    assert (run.status, run.reason) == (RunStatus.SKIPPED, RunReason.NO_SUCH_ADDRESS_TYPE)
    assert "address: auto" in run.words


async def test_company_is_written_to_where_the_contact_has_no_address(desk: Desk) -> None:
    await desk.customer("acme", kind="company", company="ACME", emails=[{"email": "office@acme.example"}])
    key = await desk.order(customer={"first_name": "Anna", "company_id": "acme"})
    await desk.run(key, "email: pay-link")
    assert [sent.address for sent in await desk.outbox()] == ["office@acme.example"]


async def test_mail_is_journalled_for_the_order(desk: Desk) -> None:
    key = await desk.order(customer=ANNA)
    await desk.run(key, "email: pay-link")
    (event,) = await desk.events(key)
    assert event.type == "email.sent"
    assert event.data == {"mailbox": "shop@example.com", "automation": True, "rule": "email"}


async def test_named_mailbox_is_used(desk: Desk) -> None:
    key = await desk.order(customer=ANNA)
    await desk.run(key, "email: pay-link\nfrom: sales@example.com")
    assert [sent.sender for sent in await desk.outbox()] == ["sales@example.com"]


async def test_auto_takes_the_mailbox_last_used_to_write_to_this_customer(desk: Desk) -> None:
    await desk.customer("anna", **ANNA)
    await desk.run(await desk.order("1001", customer_id="anna"), "email: pay-link\nfrom: sales@example.com")
    run = await desk.run(await desk.order("1002", customer_id="anna"), "email: pay-link\nfrom: auto")
    assert run.results["mailbox"] == "sales@example.com"


async def test_auto_takes_the_default_mailbox_for_a_new_customer(desk: Desk) -> None:
    desk.default_mailbox = "hello@example.com"
    run = await desk.run(await desk.order(customer=ANNA), "email: pay-link\nfrom: auto")
    assert run.results["mailbox"] == "hello@example.com"


async def test_mailbox_under_defaults_is_the_rules_own(desk: Desk) -> None:
    key = await desk.order(customer=ANNA)
    run = await desk.run(key, "email: pay-link", defaults="{email: {from: sales@example.com}}")
    assert run.results["mailbox"] == "sales@example.com"


async def test_without_any_mailbox_the_rule_fails_and_names_the_setting(desk: Desk) -> None:
    desk.default_mailbox = ""
    run = await desk.run(await desk.order(customer=ANNA), "email: pay-link")
    assert (run.status, run.reason) == (RunStatus.FAILED, RunReason.MISCONFIGURED)
    assert "ORDERS_DEFAULT_MAILBOX" in run.words
    assert await desk.outbox() == []


async def test_mail_to_employees_is_no_mail_to_the_customer(desk: Desk) -> None:
    await desk.department("sales")
    await desk.employee("olga", email="olga@example.com", department="sales")
    await desk.employee("marek", email="marek@example.com", department="sales")
    key = await desk.order(customer={**ANNA, "language": "pl", "consent": {"email": False}})
    await desk.run(key, "email: pay-link\nto: sales")
    sent = await desk.outbox()
    assert [(mail.address, mail.subject) for mail in sent] == [
        ("marek@example.com", "Pay for order 1001"),
        ("olga@example.com", "Pay for order 1001"),
    ]
    assert await desk.events(key) == []


async def test_unsubscribed_customer_gets_no_mail(desk: Desk) -> None:
    """Covers M63."""
    run = await desk.run(await desk.order(customer={**ANNA, "consent": {"email": False}}), "email: pay-link")
    assert (run.status, run.reason) == (RunStatus.SKIPPED, RunReason.UNSUBSCRIBED)
    assert await desk.outbox() == []


# --- only connected mailboxes, and the same one on a retry ----------------------------------------------------------


@pytest.mark.parametrize("sender", ["sales@example.com", "Sales <SALES@example.com>"])
async def test_mailbox_that_the_administrator_connected_is_used(desk: Desk, sender: str) -> None:
    desk.mailboxes = frozenset({"shop@example.com", "sales@example.com"})
    run = await desk.run(await desk.order(customer=ANNA), f"email: pay-link\nfrom: '{sender}'")
    assert run.results["mailbox"] == sender


async def test_mailbox_that_is_not_connected_is_not_used_and_the_setting_is_named(desk: Desk) -> None:
    desk.mailboxes = frozenset({"shop@example.com"})
    run = await desk.run(await desk.order(customer=ANNA), "email: pay-link\nfrom: ceo@example.com")
    assert (run.status, run.reason) == (RunStatus.FAILED, RunReason.MISCONFIGURED)
    assert "ORDERS_MAILBOXES" in run.words
    assert await desk.outbox() == []


async def test_auto_passes_over_a_mailbox_that_is_not_connected_any_more(desk: Desk) -> None:
    await desk.customer("anna", **ANNA)
    await desk.run(await desk.order("1001", customer_id="anna"), "email: pay-link\nfrom: sales@example.com")
    desk.mailboxes = frozenset({"shop@example.com"})
    run = await desk.run(await desk.order("1002", customer_id="anna"), "email: pay-link\nfrom: auto")
    assert run.results["mailbox"] == "shop@example.com"


async def test_retry_is_sent_from_the_mailbox_that_was_planned(desk: Desk) -> None:
    """Case 25."""
    await desk.customer("anna", **ANNA)
    key = await desk.order("1001", customer_id="anna")
    async with SendGridStandIn() as sendgrid:
        desk.connected = (SendGridProvider(account(sendgrid.url), store=desk.store),)
        sendgrid.faults.next(Fate.BUSY)
        visit = await desk.enter(key, "email: pay-link\nprovider: sendgrid")
        with pytest.raises(ApplicationError):
            await desk.carry_out(key, visit=visit)
        await desk.run(await desk.order("1002", customer_id="anna"), "email: pay-link\nfrom: sales@example.com")
        desk.default_mailbox = "new@example.com"
        run = await desk.carry_out(key, visit=visit)
        assert [mail.body["from"]["email"] for mail in sendgrid.accepted] == ["shop@example.com"]
    assert run.results["mailbox"] == "shop@example.com"


#: The templates of a pipeline's folder.
INVOICES = Documents({"invoice.typ": b"= Invoice"})

# --- attachments ----------------------------------------------------------------------------------------------------


async def filed(desk: Desk, key: OrderKey, *, template: str, rule: str, content: bytes = b"%PDF") -> None:
    """Put a document of an order into the store."""
    new = NewDocument(
        id=uuid4(),
        key=key,
        template=template,
        number="2026-0001",
        name=f"{template}-2026-0001.pdf",
        language="en",
        content=content,
        rule=rule,
    )
    async with desk.store.write() as tx:
        await documents.put(tx, new, now=desk.now)


@pytest.mark.parametrize("name", ["invoice", "bill"], ids=["template", "rule"])
async def test_document_of_an_earlier_rule_is_attached(desk: Desk, name: str) -> None:
    key = await desk.order(customer=ANNA)
    await filed(desk, key, template="invoice", rule="bill", content=b"%PDF bill")
    desk.documents = INVOICES
    async with SendGridStandIn() as sendgrid:
        desk.connected = (SendGridProvider(account(sendgrid.url), store=desk.store),)
        mailing = f"id: mail\nemail: pay-link\nattach: {name}\nprovider: sendgrid"
        visit = await desk.enter(key, "id: bill\ndocument: invoice", mailing)
        run = await desk.carry_out(key, visit=visit, rule="mail")
        (mail,) = sendgrid.accepted
    (file,) = mail.body["attachments"]
    assert (file["filename"], base64.b64decode(file["content"])) == ("invoice-2026-0001.pdf", b"%PDF bill")
    assert run.status is RunStatus.DONE


async def test_outbox_shows_what_is_attached(desk: Desk) -> None:
    key = await desk.order(customer=ANNA)
    await filed(desk, key, template="invoice", rule="bill")
    desk.documents = INVOICES
    visit = await desk.enter(key, "id: bill\ndocument: invoice", "id: mail\nemail: pay-link\nattach: invoice")
    await desk.carry_out(key, visit=visit, rule="mail")
    ((file,),) = [sent.attachments for sent in await desk.outbox()]
    assert (file["name"], file["media_type"]) == ("invoice-2026-0001.pdf", "application/pdf")
    async with desk.store.read() as tx:
        assert (await documents.get(tx, id=UUID(file["document"]))).rule == "bill"


@pytest.mark.parametrize(("name", "is_made"), [("invoice", True), ("bill", True), ("quote", False)])
def test_file_names_only_documents_that_its_rules_make(name: str, is_made: bool) -> None:
    text = (
        "pipeline: shop\nstages:\n  new:\n    rules:\n      - {id: bill, document: invoice}\n"
        f"      - {{email: Hello, subject: Hello, attach: [{name}]}}\n  won: {{kind: success}}\n"
    )
    loaded = load(text, file="shop.yaml", kinds=KINDS, documents=INVOICES)
    assert [error.code for error in loaded.errors] == ([] if is_made else ["D323"]), as_text(loaded.problems)
    if not is_made:
        assert "Documents: bill, invoice" in as_text(loaded.problems)


async def test_mail_without_its_document_is_not_sent_and_says_why(desk: Desk) -> None:
    key = await desk.order(customer=ANNA)
    desk.documents = INVOICES
    visit = await desk.enter(key, "id: bill\ndocument: invoice", "id: mail\nemail: pay-link\nattach: [invoice]")
    run = await desk.carry_out(key, visit=visit, rule="mail")
    assert (run.status, run.reason) == (RunStatus.FAILED, RunReason.NO_DOCUMENT)
    assert "invoice" in run.words
    assert await desk.outbox() == []


@pytest.mark.parametrize(
    ("mailbox", "is_right"),
    [
        ("auto", True),
        ("shop@example.com", True),
        ("'Juniper <orders@shop.example>'", True),
        ("not a mailbox", False),
        ("shop@", False),
        ("'{{ vars.mailbox }}'", False),
    ],
)
def test_mailbox_is_checked_when_the_pipeline_is_loaded(mailbox: str, is_right: bool) -> None:
    text = (
        "pipeline: shop\nstages:\n  new:\n    rules:\n"
        f"      - {{email: Hello, subject: Hello, from: {mailbox}}}\n  won: {{kind: success}}\n"
    )
    loaded = load(text, file="shop.yaml", kinds=KINDS)
    assert [error.code for error in loaded.errors] == ([] if is_right else ["D218"]), as_text(loaded.problems)
