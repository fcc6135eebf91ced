"""What the exactly-once run counts as a violation: each row of the store against the vendors' logs."""

from collections import Counter

import pytest

from tests.chaos_sends.auditing import DOUBLED, LOST, MISTAKEN, OPEN, PERSON, PROMISES, Carried, Ended, Log, compare
from tests.chaos_sends.pipeline import ANSWERS, EMPLOYEES, RULES, SENDS

CARRIED = (*ANSWERS, *EMPLOYEES)


def all_well(*, without: str = "") -> list[Carried]:
    """What couriers brought: everything went well."""
    return [Carried(what, what, "accepted") for what in CARRIED if what != without]


def found(*, status: str, state: str | None, times: int, via: str = "answer") -> dict[str, int]:
    """Compare a run that ended so; the other rules went well."""
    runs = [Ended(rule, "shop:1", rule, "done", "accepted") for rule in RULES if rule != "letter"]
    runs.append(Ended("letter", "shop:1", "letter", status, state))
    accepted = Counter(dict.fromkeys((*RULES, *CARRIED), 1))
    accepted["letter"] = times
    via_of = {**dict.fromkeys(RULES, "answer"), "letter": via}
    findings = compare(runs, carried=all_well(), orders=1, log=Log(accepted), via=via_of)
    return {promise: count for promise in PROMISES if (count := findings.count(promise))}


@pytest.mark.parametrize(
    ("status", "state", "times", "via", "violations"),
    [
        pytest.param("done", "accepted", 1, "answer", {}, id="accepted-once"),
        pytest.param("done", "delivered", 1, "callback", {}, id="delivered-once"),
        pytest.param("done", "accepted", 2, "answer", {DOUBLED: 1}, id="accepted-twice"),
        pytest.param("done", "accepted", 0, "listing", {LOST: 1}, id="recorded-and-not-accepted"),
        pytest.param("failed", "failed", 1, "answer", {LOST: 1}, id="accepted-and-recorded-as-failed"),
        pytest.param("skipped", "held", 1, "answer", {LOST: 1}, id="skipped-by-nobody"),
        pytest.param("running", "accepted", 1, "answer", {OPEN: 1}, id="still-running"),
        pytest.param("done", "unknown", 1, "answer", {OPEN: 1}, id="still-unknown"),
        pytest.param("planned", None, 0, "nobody", {OPEN: 1}, id="never-begun"),
        pytest.param("held", "held", 1, PERSON, {OPEN: 1}, id="still-held"),
        pytest.param("skipped", "held", 1, PERSON, {}, id="skipped-by-a-person-who-saw-it"),
        pytest.param("skipped", "held", 0, PERSON, {LOST: 1}, id="skipped-by-a-person-in-error"),
        pytest.param("done", "accepted", 1, PERSON, {}, id="repeated-by-a-person"),
        pytest.param("done", "accepted", 2, PERSON, {DOUBLED: 1}, id="repeated-in-error"),
    ],
)
def test_a_send_is_held_against_the_vendors_log(
    status: str, state: str | None, times: int, via: str, violations: dict[str, int]
) -> None:
    assert found(status=status, state=state, times=times, via=via) == violations


def test_a_rule_that_never_ran_is_lost_and_a_message_of_no_send_is_one_too_many() -> None:
    findings = compare([], carried=[], orders=1, log=Log(Counter({"": 1})), via={})
    assert (findings.count(LOST), findings.count(DOUBLED)) == (SENDS, 1)


@pytest.mark.parametrize("what", ["soon", "marek"], ids=["answer", "notice"])
@pytest.mark.parametrize(
    ("state", "times", "via", "violations"),
    [
        pytest.param("accepted", 1, "answer", {}, id="accepted-once"),
        pytest.param("delivered", 1, "callback", {}, id="delivered-once"),
        pytest.param("accepted", 2, "answer", {DOUBLED: 1}, id="accepted-twice"),
        pytest.param("accepted", 0, "listing", {LOST: 1}, id="recorded-and-not-accepted"),
        pytest.param("failed", 1, "answer", {LOST: 1}, id="accepted-and-recorded-as-failed"),
        pytest.param("skipped", 0, "answer", {LOST: 1}, id="skipped"),
        pytest.param("planned", 0, "nobody", {OPEN: 1}, id="never-begun"),
        pytest.param("dispatching", 1, "nobody", {OPEN: 1}, id="still-claimed"),
        pytest.param("unknown", 1, "nobody", {OPEN: 1}, id="still-unknown"),
        pytest.param("held", 1, PERSON, {OPEN: 1}, id="still-held"),
        pytest.param("skipped", 1, PERSON, {}, id="laid-aside-by-a-person-who-saw-it"),
        pytest.param("skipped", 0, PERSON, {LOST: 1}, id="laid-aside-in-error"),
        pytest.param("accepted", 1, PERSON, {}, id="sent-again-by-a-person"),
        pytest.param("accepted", 2, PERSON, {DOUBLED: 1}, id="sent-again-in-error"),
    ],
)
def test_what_a_courier_brings_is_held_against_the_vendors_log(
    what: str, state: str, times: int, via: str, violations: dict[str, int]
) -> None:
    runs = [Ended(rule, "shop:1", rule, "done", "accepted") for rule in RULES]
    accepted = Counter(dict.fromkeys((*RULES, *CARRIED), 1))
    accepted[what] = times
    carried = [*all_well(without=what), Carried(what, what, state)]
    findings = compare(runs, carried=carried, orders=1, log=Log(accepted), via={what: via})
    assert {promise: count for promise in PROMISES if (count := findings.count(promise))} == violations


def test_a_row_that_has_the_message_of_another_send_is_mistaken() -> None:
    """Covers case 12."""
    runs = [Ended(rule, "shop:1", rule, "done", "accepted", f"SM-{rule}") for rule in RULES if rule != "told"]
    runs.append(Ended("told", "shop:1", "told", "done", "accepted", "SM-thanks"))
    log = Log(Counter(dict.fromkeys((*RULES, *CARRIED), 1)), {f"SM-{rule}": rule for rule in RULES})
    findings = compare(runs, carried=all_well(), orders=1, log=log, via={})
    assert (findings.count(MISTAKEN), len(findings.violations)) == (1, 1)


def test_an_answer_that_has_the_message_of_a_rule_is_mistaken() -> None:
    """Covers case 12."""
    runs = [Ended(rule, "shop:1", rule, "done", "accepted") for rule in RULES]
    carried = [*all_well(without="soon"), Carried("soon", "soon", "accepted", "SM-chat")]
    log = Log(Counter(dict.fromkeys((*RULES, *CARRIED), 1)), {"SM-chat": "chat"})
    findings = compare(runs, carried=carried, orders=1, log=log, via={})
    assert (findings.count(MISTAKEN), len(findings.violations)) == (1, 1)
