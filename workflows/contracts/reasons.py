"""The closed lists of reasons (M64): why a rule ran or did not, why an event moved an order or did not."""

from enum import StrEnum
from functools import cached_property


class RunStatus(StrEnum):
    """Where a run stands. The last five are ends; nothing leaves them but a repeat by hand."""

    PLANNED = "planned"  # waits for its moment or for the rule before it
    RUNNING = "running"  # claimed: it is being carried out
    HELD = "held"  # the order's automation is on hold, or an unknown outcome waits for a person
    DONE = "done"
    SKIPPED = "skipped"
    FAILED = "failed"
    STOPPED = "stopped"  # its stage was left, or an operator stopped it

    @cached_property
    def is_end(self) -> bool:
        """Say whether the run is over."""
        return self in _ENDS


_ENDS = frozenset({RunStatus.DONE, RunStatus.SKIPPED, RunStatus.FAILED, RunStatus.STOPPED})


class RunReason(StrEnum):
    """Why a run has the status it has."""

    DONE = "done"
    WAITING = "waiting"  # for its moment
    AFTER_RULE = "after_rule"  # for the rule before it
    QUIET_HOURS = "quiet_hours"
    ON_HOLD = "on_hold"
    RETRYING = "retrying"
    OUTCOME_UNKNOWN = "outcome_unknown"
    CONDITION_FALSE = "condition_false"
    ONCE_DONE = "once_done"
    NO_CUSTOMER = "no_customer"
    NO_ADDRESS = "no_address"
    NO_SUCH_ADDRESS_TYPE = "no_such_address_type"
    NO_RECIPIENT = "no_recipient"
    NO_CHAT = "no_chat"  # the customer has not written in any chat yet
    CHAT_CLOSED = "chat_closed"  # the medium takes free texts only within a day of the customer's last message
    NO_DOCUMENT = "no_document"  # one to be attached was not made yet
    UNSUBSCRIBED = "unsubscribed"
    BLOCKED = "blocked"
    ALREADY_SO = "already_so"
    SKIPPED_BY_OPERATOR = "skipped_by_operator"
    STAGE_LEFT = "stage_left"
    STOPPED_BY_OPERATOR = "stopped_by_operator"
    AUTOMATION_STOPPED = "automation_stopped"
    PREVIOUS_FAILED = "previous_failed"
    EMPTY_VALUE = "empty_value"
    TEXT_TOO_LONG = "text_too_long"
    TEXT_INVALID = "text_invalid"
    REJECTED = "rejected"
    MISCONFIGURED = "misconfigured"
    EXPIRED = "expired"
    INTERNAL = "internal"


class EventReason(StrEnum):
    """Why an event moved the order or not."""

    MOVED = "moved"
    CREATED = "created"
    MOVED_BY_RULE = "moved_by_rule"
    MOVED_BY_HAND = "moved_by_hand"
    COMMAND_DONE = "command_done"
    NO_TRIGGER = "no_trigger"
    SETTINGS_DIFFER = "settings_differ"
    CONDITION_FALSE = "condition_false"
    NOT_FROM_HERE = "not_from_here"
    SAME_STAGE = "same_stage"
    WOULD_MOVE_BACK = "would_move_back"
    FINAL_STAGE = "final_stage"
    NOT_LATEST_ORDER = "not_latest_order"
    BEATEN = "beaten"  # of a trigger that matched but lost to another (M52)
    STAGE_LEFT = "stage_left"  # of a rule's move that came too late
    ON_HOLD = "on_hold"  # kept; handled at resume
    LOOP = "loop"  # kept; the loop guard held the automation (M08)
    UNKNOWN_TYPE = "unknown_type"
    MALFORMED = "malformed"
    UNKNOWN_ORDER = "unknown_order"
    REFUSED = "refused"  # of an operator's command; the words say why
