"""Words for the closed lists of reasons (M64): what each means, and what a person can do about it."""

from collections.abc import Mapping
from dataclasses import dataclass

from workflows.contracts.reasons import EventReason, RunReason


@dataclass(frozen=True)
class Explanation:
    """What a reason means, and what to do; `advice` is empty where nothing is wrong."""

    words: str
    advice: str = ""

    def __str__(self) -> str:
        return f"{self.words}. {self.advice}" if self.advice else f"{self.words}."


_RUNS: Mapping[RunReason, Explanation] = {
    RunReason.DONE: Explanation("The rule was carried out"),
    RunReason.WAITING: Explanation("It waits for its moment", "To run it at once: orders order run-now."),
    RunReason.AFTER_RULE: Explanation("It waits for the end of the rule before it"),
    RunReason.QUIET_HOURS: Explanation("It waits for the end of the customer's quiet hours"),
    RunReason.ON_HOLD: Explanation("The order's automation is on hold", "To go on: orders order resume."),
    RunReason.RETRYING: Explanation("The last try failed; it is tried again by itself"),
    RunReason.OUTCOME_UNKNOWN: Explanation(
        "Nobody knows whether it was sent: the provider's answer was lost",
        "Look at the provider's log; then repeat or skip the rule.",
    ),
    RunReason.CONDITION_FALSE: Explanation("Its condition did not hold when it was due"),
    RunReason.ONCE_DONE: Explanation("It runs once per order, and has run in an earlier visit"),
    RunReason.NO_CUSTOMER: Explanation("The order has no customer", "Link one to the order, then repeat the rule."),
    RunReason.NO_ADDRESS: Explanation(
        "The customer has no such phone or address", "Add one to the customer's card, then repeat the rule."
    ),
    RunReason.NO_SUCH_ADDRESS_TYPE: Explanation(
        "The customer has no phone or address of the type the rule names", "Add one, or let the rule say 'auto'."
    ),
    RunReason.NO_RECIPIENT: Explanation(
        "Nobody was found to write to", "Check 'to:' of the rule, and the order's responsible person."
    ),
    RunReason.NO_CHAT: Explanation("The customer has not written in any chat yet"),
    RunReason.CHAT_CLOSED: Explanation(
        "The customer's last message is older than the chat's service lets shops answer freely",
        "Give the rule a template, or a fallback to text messages.",
    ),
    RunReason.NO_DOCUMENT: Explanation(
        "A document that it attaches was not made for this order yet", "Let the rule that makes it run before this one."
    ),
    RunReason.UNSUBSCRIBED: Explanation("The customer unsubscribed from such messages"),
    RunReason.BLOCKED: Explanation("The address is blocked, as an earlier message could not be delivered"),
    RunReason.ALREADY_SO: Explanation("Nothing was to be done: the order is so already"),
    RunReason.SKIPPED_BY_OPERATOR: Explanation("A person skipped it"),
    RunReason.STAGE_LEFT: Explanation("The order left the stage before the rule could start"),
    RunReason.STOPPED_BY_OPERATOR: Explanation("A person stopped the waiting rules"),
    RunReason.AUTOMATION_STOPPED: Explanation(
        "The order's automation was stopped in Temporal", "Move the order by hand to start it again."
    ),
    RunReason.PREVIOUS_FAILED: Explanation(
        "The rule before it failed", "Repeat that rule, or give it 'on_failure: continue'."
    ),
    RunReason.EMPTY_VALUE: Explanation(
        "A value in its text is empty, and the text gives no default",
        'Fill the field in, or write {{ … | default: "…" }} in the text.',
    ),
    RunReason.TEXT_TOO_LONG: Explanation("Its text became longer than allowed; nothing is cut", "Shorten the text."),
    RunReason.TEXT_INVALID: Explanation("Its text could not be made", "Check the text in the pipeline."),
    RunReason.REJECTED: Explanation(
        "The provider refused it for good", "The provider's reason is in its words; correct it, then repeat the rule."
    ),
    RunReason.MISCONFIGURED: Explanation(
        "A setting is missing or wrong", "Correct the setting that the words name, then repeat the rule."
    ),
    RunReason.EXPIRED: Explanation("It could not be done in time and was given up", "Repeat it if it is still of use."),
    RunReason.INTERNAL: Explanation("It failed by a fault of ours", "See the log of the worker; then repeat the rule."),
}

_EVENTS: Mapping[EventReason, Explanation] = {
    EventReason.MOVED: Explanation("The event moved the order"),
    EventReason.CREATED: Explanation("The order was placed, and its automation began"),
    EventReason.MOVED_BY_RULE: Explanation("A rule moved the order"),
    EventReason.MOVED_BY_HAND: Explanation("A person moved the order"),
    EventReason.COMMAND_DONE: Explanation("The command was carried out"),
    EventReason.NO_TRIGGER: Explanation("No trigger of the pipeline listens to this event"),
    EventReason.SETTINGS_DIFFER: Explanation("A trigger listens to it, but its settings ask for another value"),
    EventReason.CONDITION_FALSE: Explanation("A trigger listens to it, but its condition did not hold"),
    EventReason.NOT_FROM_HERE: Explanation("The trigger moves orders from other stages only ('from:')"),
    EventReason.SAME_STAGE: Explanation("The order was in that stage already"),
    EventReason.WOULD_MOVE_BACK: Explanation(
        "The stage is an earlier one", "If the trigger may move orders back, give it 'back: true'."
    ),
    EventReason.FINAL_STAGE: Explanation(
        "The order's stage is final", "Move it by hand, or give the trigger 'back: true'."
    ),
    EventReason.NOT_LATEST_ORDER: Explanation("The trigger takes the customer's latest open order only"),
    EventReason.BEATEN: Explanation("Another trigger of the same event won: the one with the earliest stage does"),
    EventReason.STAGE_LEFT: Explanation("The rule's move came too late: the order had left the stage"),
    EventReason.ON_HOLD: Explanation(
        "The order's automation is on hold; the event is kept", "To go on: orders order resume."
    ),
    EventReason.LOOP: Explanation(
        "Too many automatic moves within an hour; the automation is held",
        "Look for triggers and rules that move orders in a circle, then resume the order.",
    ),
    EventReason.UNKNOWN_TYPE: Explanation(
        "No event has this name", "Check the name in the system that sends it; webhooks begin with 'webhook.'."
    ),
    EventReason.MALFORMED: Explanation("The event's data cannot be used", "Correct what the sending system writes."),
    EventReason.UNKNOWN_ORDER: Explanation("There is no such order", "Check the order's number in the sending system."),
    EventReason.REFUSED: Explanation("The command was refused", "The words say why."),
}


def explain_run(reason: RunReason) -> Explanation:
    """Say what a run's reason means and what to do."""
    return _RUNS[reason]


def explain_event(reason: EventReason) -> Explanation:
    """Say what an event's reason means and what to do."""
    return _EVENTS[reason]
