"""Rules that read people's fields into results. Covers E16, E17."""

import pytest

from activities.actions import KINDS
from tests.rules.desk import Desk
from workflows.contracts.reasons import RunReason, RunStatus
from workflows.pipeline.loader import load

ANNA = {
    "first_name": "Anna",
    "last_name": "Nowak",
    "phones": [{"number": "+48601234567"}],
    "vip": True,
    "company_id": "acme",
}


async def test_details_of_the_contact_become_results_for_later_rules(desk: Desk) -> None:
    """Covers E16."""
    await desk.customer("acme", kind="company", company="ACME")
    await desk.customer("anna", **ANNA)
    key = await desk.order(customer_id="anna")
    visit = await desk.enter(
        key,
        "customer_details: [name, phone, vip, email]\nid: who",
        "log: '{{ results.who.name }} has {{ results.who.phone }}'\nafter: who\nid: note\nwhen: results.who.vip",
    )
    run = await desk.carry_out(key, visit=visit)
    assert run.results == {"name": "Anna Nowak", "phone": "+48601234567", "vip": True, "email": ""}
    assert (await desk.carry_out(key, visit=visit, rule="note")).status is RunStatus.DONE


async def test_details_of_the_company_are_read_where_the_rule_says_so(desk: Desk) -> None:
    await desk.customer("acme", kind="company", company="ACME")
    await desk.customer("anna", **ANNA)
    run = await desk.run(await desk.order(customer_id="anna"), "customer_details: name\nof: company")
    assert run.results == {"name": "ACME"}


@pytest.mark.parametrize(
    ("customer", "of"), [(None, "linked"), ("ewa", "company")], ids=["no customer", "contact without a company"]
)
async def test_details_of_nobody_are_skipped_and_say_what_to_do(desk: Desk, customer: str | None, of: str) -> None:
    await desk.customer("ewa", first_name="Ewa")
    run = await desk.run(await desk.order(customer_id=customer), f"customer_details: name\nof: {of}")
    assert (run.status, run.reason) == (RunStatus.SKIPPED, RunReason.NO_CUSTOMER)
    assert "link" in run.words


async def test_details_of_an_employee_become_results(desk: Desk) -> None:
    """Covers E17."""
    await desk.employee("zofia", roles=["director"], first_name="Zofia", email="zofia@shop.example")
    run = await desk.run(await desk.order(), "employee_details: role:director\nfields: [id, name, email, head]")
    assert run.results == {"id": "zofia", "name": "Zofia", "email": "zofia@shop.example", "head": ""}


async def test_details_of_an_unknown_employee_are_skipped(desk: Desk) -> None:
    run = await desk.run(await desk.order(), "employee_details: responsible")
    assert (run.status, run.reason) == (RunStatus.SKIPPED, RunReason.NO_RECIPIENT)


PIPELINE = """
pipeline: shop
title: Shop
timezone: UTC
languages: [en]
quiet_hours: off
stages:
  new:
    title: New
    kind: success
    rules:
      - id: who
        {rule}
      - id: note
        after: who
        {use}
"""


@pytest.mark.parametrize(
    ("rule", "use", "code"),
    [
        pytest.param("customer_details: [phone]", "log: '{{ results.who.phone }}'", None, id="read"),
        pytest.param("customer_details: [phone]", "log: '{{ results.who.email }}'", "D", id="not read"),
        pytest.param("customer_details: [shoe_size]", "log: x", "D202", id="no field of a customer"),
        pytest.param("employee_details: olga", "log: '{{ results.who.phone }}'", None, id="read by default"),
        pytest.param(
            "employee_details: olga\n        fields: [name]", "log: '{{ results.who.phone }}'", "D", id="less"
        ),
        pytest.param("customer_details: [vip]", "log: x\n        when: results.who.vip == 'yes'", "D", id="wrong type"),
    ],
)
def test_uses_of_details_are_checked_at_load(rule: str, use: str, code: str | None) -> None:
    loaded = load(PIPELINE.replace("{rule}", rule).replace("{use}", use), file="x.yaml", kinds=KINDS)
    errors = [problem.code for problem in loaded.problems if problem.code.startswith(("D2", "D3"))]
    assert (errors == []) if code is None else any(found.startswith(code) for found in errors), loaded.problems


@pytest.mark.parametrize(
    ("rule", "words"),
    [
        pytest.param("customer_details: [phonee]", "'phonee' is not a customer_details value", id="customer"),
        pytest.param("employee_details: olga\n        fields: [namee]", "'namee' is not a fields value", id="employee"),
        pytest.param("customer_details: []", "'customer_details' is empty", id="really empty"),
    ],
)
def test_wrong_name_is_told_once_and_the_list_is_not_called_empty(rule: str, words: str) -> None:
    loaded = load(PIPELINE.replace("{rule}", rule).replace("{use}", "log: x"), file="x.yaml", kinds=KINDS)
    assert [error.words for error in loaded.errors] == [words]
