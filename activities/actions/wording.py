"""Texts of rules: renders what the pipeline says for this order, or ends the run with the reason and what to do."""

from activities.actions.protocol import Ended, RunContext, failed
from workflows.contracts.reasons import RunReason
from workflows.pipeline.kinds import TextField
from workflows.pipeline.texts import EmptyValue, Text, TextError, TextInvalid, TextTooLong, literal, text_of


def worded(context: RunContext, value: str, *, field: TextField, for_employees: bool = False) -> Text | Ended:
    """Render a text or a message; for employees in the pipeline's first language, else in the customer's."""
    try:
        return text_of(context.pipeline, value, field=field, view=context.view, in_house=for_employees)
    except TextError as error:
        return _failure(error)


def filled(context: RunContext, template: str, *, limit: int = 10_000, for_employees: bool = True) -> str | Ended:
    """Render one template that is never a message: a subject, a title, a recipient, a value."""
    try:
        return literal(context.pipeline, template, view=context.view, limit=limit, in_house=for_employees)
    except TextError as error:
        return _failure(error)


def _failure(error: TextError) -> Ended:
    if isinstance(error, EmptyValue):
        words = f"{error.path} is empty: fill it in, or give the text a default, like | default: '-'"
        return failed(RunReason.EMPTY_VALUE, words)
    if isinstance(error, TextTooLong):
        words = f"The text has {error.length} characters and may have {error.limit}: shorten it"
        return failed(RunReason.TEXT_TOO_LONG, words)
    detail = error.words if isinstance(error, TextInvalid) else "it cannot be rendered"
    return failed(RunReason.TEXT_INVALID, f"The text was not made: {detail}")
