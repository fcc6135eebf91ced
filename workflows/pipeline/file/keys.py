"""Every key of the pipeline file, with the schema, the words and the examples that editors show."""

from collections.abc import Mapping
from dataclasses import dataclass

from workflows.pipeline.forms import FieldKind

Schema = Mapping[str, object]

TEXT: Schema = {"type": "string", "minLength": 1}
FLAG: Schema = {"type": "boolean"}
NAME: Schema = {"type": "string", "pattern": "^[a-z][a-z0-9-]{0,63}$"}
DURATION: Schema = {"type": "string", "pattern": r"^\s*(\d+\s*[dhms]\s*)+$"}
CLOCK: Schema = {"type": "string", "pattern": r"^([01]\d|2[0-3]):[0-5]\d$"}
CONDITION: Schema = {"type": "string", "minLength": 1, "maxLength": 1000}
TEXTS: Schema = {"anyOf": [TEXT, {"type": "array", "items": TEXT}]}
WORDS: Schema = {"anyOf": [TEXT, {"type": "object", "additionalProperties": TEXT}]}
COUNTRY: Schema = {"type": "string", "pattern": "^[A-Z]{2}$"}
_OPTIONS: Schema = {"anyOf": [{"type": "array", "items": TEXT}, {"type": "object", "additionalProperties": WORDS}]}


@dataclass(frozen=True)
class Key:
    """A key: its name, what may stand there (JSON Schema), what it does, an example."""

    name: str
    schema: Schema
    description: str
    example: object
    is_required: bool = False

    def described(self) -> dict[str, object]:
        """Return the schema with the words and the example that an editor shows."""
        return {**self.schema, "description": self.description, "examples": [self.example]}


def names(keys: tuple[Key, ...]) -> list[str]:
    """List the names of keys."""
    return [key.name for key in keys]


def one_of(*values: str) -> Schema:
    """Return the schema of one of several words."""
    return {"enum": list(values)}


CALENDAR = (
    Key("days", TEXTS, "Working days.", "mon-fri"),
    Key("hours", TEXTS, "Working hours; an end before the start is on the next day.", "09:00-18:00"),
    Key(
        "week",
        TEXTS,
        "Days with hours of their own, in place of days and hours.",
        "mon-fri 09:00-17:00, sat 10:00-14:00",
    ),
    Key("holidays", TEXTS, "Countries whose public holidays are days off, with a region if any.", "PL"),
    Key("except", TEXTS, "Further days off: dates and ranges.", "2026-12-24..2026-12-31"),
    Key("also", TEXTS, "Dates with hours of their own; they win over holidays.", "2026-12-27 10:00-14:00"),
    Key("timezone", TEXT, "The zone of the hours, if not the pipeline's.", "Europe/Warsaw"),
)

WAIT = (
    Key("for", DURATION, "How long; a day keeps the clock time, hours are real hours.", "1d"),
    Key("before", TEXT, "Count back from this date of the order.", "order.delivery_date"),
    Key("after", TEXT, "Count from this date of the order.", "order.created_at"),
    Key("at", CLOCK, "At this clock time of the day, in the pipeline's zone.", "10:00"),
)

_WAIT_BLOCK: Schema = {
    "type": "object",
    "additionalProperties": False,
    "properties": {key.name: key.described() for key in WAIT},
}

RULE = (
    Key("id", NAME, "The rule's name within its stage; made from its kind if not given.", "remind-sms"),
    Key("title", TEXT, "What people read of the rule.", "Reminder to pay"),
    Key("after", TEXT, "Start when this rule has ended: previous, or a rule's id. Without it: at once.", "previous"),
    Key("wait", {"anyOf": [DURATION, _WAIT_BLOCK]}, "Wait before the rule runs.", "3h"),
    Key("hours", NAME, "Run only in this calendar's hours, or those of the responsible person.", "office"),
    Key("when", CONDITION, "Run only if this holds when the rule is due.", "not order.paid"),
    Key("once", FLAG, "Run at most once per order, however often the stage is entered.", True),
    Key("on_failure", one_of("stop", "continue"), "Whether the rules after it run when it failed.", "continue"),
    Key(
        "expires",
        DURATION,
        "Give up after this long (a day if not given): nothing is repeated, waits for quiet hours to end, or arrives "
        "later.",
        "2h",
    ),
    Key("transactional", FLAG, "Send it although the customer unsubscribed from marketing.", True),
    Key("on_unknown", one_of("hold", "resend"), "What to do when nobody knows whether it was sent.", "hold"),
)

#: Keys that `defaults:` may set for all rules of a kind.
DEFAULT_RULE = ("hours", "once", "on_failure", "expires", "transactional", "on_unknown")

TRIGGER = (
    Key("title", TEXT, "What people read of the trigger.", "Paid"),
    Key("back", FLAG, "May move the order to an earlier stage, or out of a final one.", True),
    Key("from", TEXTS, "Only orders that are in these stages.", ["lost"]),
    Key("when", CONDITION, "Only if this holds; may read the event as event.NAME.", "customer.vip"),
    Key("orders", one_of("all", "latest"), "Which open orders of the customer an event reaches.", "latest"),
    Key("as", TEXT, "The employee in whose name the move is recorded.", "olga"),
)

STAGE = (
    Key("title", TEXT, "What people read of the stage.", "Awaiting payment"),
    Key("kind", one_of("open", "success", "failure"), "Whether the order ends here, well or badly.", "success"),
    Key("triggers", {"type": "array"}, "Events that move an order into this stage.", [{"payment": "paid"}]),
    Key("rules", {"type": "array"}, "What happens when an order enters this stage.", [{"sms": "thanks"}]),
)

FIELD_TYPES = ("text", "number", "money", "date", "bool", "list")

FORM_FIELD = (
    Key("type", one_of(*FieldKind), "What the field takes.", "email"),
    Key("label", WORDS, "What stands above the field.", {"en": "E-mail"}, is_required=True),
    Key("required", FLAG, "It may not stay empty; a box must be ticked.", True),
    Key("hint", WORDS, "What helps to fill it in.", {"en": "With the country's code"}),
    Key("options", _OPTIONS, "What a select offers.", {"evening": {"en": "In the evening"}}),
)

FORM = (
    Key("title", WORDS, "The heading of the form.", {"en": "Call me back"}, is_required=True),
    Key("text", WORDS, "A paragraph below the heading.", {"en": "We call within an hour."}),
    Key(
        "fields",
        {"type": "object", "minProperties": 1},
        "What is asked; first_name, last_name and company go onto a new customer's card.",
        {"phone": {"type": "phone", "label": {"en": "Phone"}, "required": True}},
        is_required=True,
    ),
    Key("submit", WORDS, "What stands on the button.", {"en": "Call me"}),
    Key("thanks", WORDS, "What is read afterwards.", {"en": "Thank you!"}),
    Key("consent", WORDS, "A box; who ticks it agrees to marketing.", {"en": "Send me offers"}),
    Key("callback", FLAG, "Filling it in is callback: requested, in place of form: submitted.", True),
    Key("country", COUNTRY, "Where phone numbers without + belong; else the time zone's country.", "PL"),
)

PIPELINE = (
    Key("pipeline", NAME, "The pipeline's name.", "shop", is_required=True),
    Key("title", TEXT, "What people read of it.", "Online store"),
    Key("shop", TEXT, "The shop's name, for texts: {{ shop.name }}.", "Demo Shop"),
    Key("timezone", TEXT, "Days, working hours and clock times are read in this zone.", "Europe/Warsaw"),
    Key(
        "languages",
        {"type": "array", "items": TEXT, "minItems": 1},
        "Languages; the first is the fallback.",
        ["en", "pl"],
    ),
    Key(
        "calendars",
        {"type": "object"},
        "Working hours by name.",
        {"office": {"days": "mon-fri", "hours": "09:00-18:00"}},
    ),
    Key("vars", {"type": "object"}, "Texts of your own: {{ vars.NAME }}.", {"pay_url": "https://shop.example/pay"}),
    Key(
        "fields",
        {"type": "object"},
        "The order's own fields with their types: {{ order.fields.NAME }}.",
        {"colour": "text"},
    ),
    Key("defaults", {"type": "object"}, "Settings for all rules of a kind.", {"sms": {"hours": "office"}}),
    Key("quiet_hours", TEXT, "When customers are not disturbed, on their own clock; off for never.", "21:00-08:00"),
    Key("stages", {"type": "object", "minProperties": 1}, "The stages, in their order.", {"new": {}}, is_required=True),
    Key("messages", {"type": "object"}, "Texts to customers by name and language.", {"thanks": {"en": "Thank you!"}}),
    Key(
        "forms",
        {"type": "object"},
        "Forms by name, each at /f/NAME.",
        {"callback": {"title": "Call me back", "fields": {"phone": {"type": "phone", "label": "Phone"}}}},
    ),
)
