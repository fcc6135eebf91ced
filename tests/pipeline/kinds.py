"""A small set of rule kinds as the catalogue has them, so that these tests do not depend on the product's actions."""

from enum import StrEnum
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from workflows.pipeline.durations import DurationSetting, parse_duration
from workflows.pipeline.kinds import Kinds, Reference, RuleKind, RuleSettings, TextField, TextFormat, Wording
from workflows.pipeline.mistakes import Mistake

People = Annotated[tuple[str, ...], BeforeValidator(lambda value: [value] if isinstance(value, str) else value)]


class Sms(RuleSettings):
    sms: str = Field(min_length=1, description="The text or a message.", examples=["thanks"])
    phone: Literal["auto", "mobile", "work"] = "auto"
    sender: str = Field(default="", alias="from", max_length=20)
    to: People = ()


class Email(RuleSettings):
    email: str = Field(min_length=1)
    subject: str = ""
    sender: str = Field(default="auto", alias="from")
    attach: tuple[str, ...] = ()


class Voice(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)
    language: str
    rate: int = Field(default=100, ge=50, le=200)


class Robocall(RuleSettings):
    robocall: str = ""
    audio: str = Field(default="", pattern=r"^(https://.+)?$", examples=["https://shop.example/pay.mp3"])
    voice: Voice | None = None


class Outcome(StrEnum):
    ANSWERED = "answered"
    BUSY = "busy"
    NO_ANSWER = "no_answer"


class Notify(RuleSettings):
    notify: str
    to: People = ("responsible",)


class Task(RuleSettings):
    task: str
    to: People = ("responsible",)
    due: DurationSetting | None = None
    checklist: tuple[str, ...] = ()
    close_on_leave: bool = False


class Assignment(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)
    people: People = Field(alias="from")
    by: Literal["round_robin", "first_available", "random"] = "round_robin"


class Assign(RuleSettings):
    assign: Assignment


class Move(RuleSettings):
    move: str
    reason: str = ""


class Set(RuleSettings):
    set: dict[str, Any]


class Webhook(RuleSettings):
    webhook: str
    secret: str = ""


class Code(RuleSettings):
    code: dict[str, int]


class WaitFor(RuleSettings):
    wait_for: Literal["customer"]
    at_most: DurationSetting = parse_duration("7d")


class Comment(RuleSettings):
    comment: str
    author: str = ""


def _sms_title(settings: RuleSettings) -> str:
    return f"SMS: {settings.sms}" if isinstance(settings, Sms) else ""


def _unread(settings: RuleSettings, wording: Wording) -> list[tuple[str, Mistake]]:
    if not isinstance(settings, Robocall) or "ka" not in wording.languages:
        return []
    setting = "robocall" if settings.voice is None else "voice"
    return [(setting, Mistake("D413", "no voice speaks 'ka'", help=f"Customers of it hear '{wording.first}'."))]


SMS = TextField("sms", is_message=True, limit=200)
EMAIL = TextField("email", is_message=True, format=TextFormat.MARKDOWN, has_subject=True)

KINDS = Kinds(
    [
        RuleKind(
            "sms",
            Sms,
            is_record=False,
            reaches_customer=True,
            queue="orders-sms",
            texts=(SMS,),
            references={"to": Reference.RECIPIENTS},
            title=_sms_title,
        ),
        RuleKind("email", Email, is_record=False, reaches_customer=True, texts=(EMAIL, TextField("subject"))),
        RuleKind(
            "robocall",
            Robocall,
            texts=(TextField("robocall", is_message=True, may_be_literal=False),),
            results={"outcome": Outcome, "attempts": int},
            hints=_unread,
        ),
        RuleKind("notify", Notify, texts=(TextField("notify"),), references={"to": Reference.RECIPIENTS}),
        RuleKind(
            "task",
            Task,
            texts=(TextField("task"), TextField("checklist")),
            references={"to": Reference.RECIPIENTS},
            results={"task": str},
        ),
        RuleKind("assign", Assign, references={"assign.from": Reference.RECIPIENTS}, results={"employee": str}),
        RuleKind("webhook", Webhook, is_record=False, references={"webhook": Reference.URL}, results={"status": int}),
        RuleKind("comment", Comment, texts=(TextField("comment"),)),
        RuleKind("set", Set, references={"set": Reference.ORDER_FIELDS}),
        RuleKind("move", Move, references={"move": Reference.STAGE}),
        RuleKind("code", Code, results={"value": str}),
        RuleKind("wait_for", WaitFor, wakes_on_customer=True, wait_setting="at_most"),
    ]
)
