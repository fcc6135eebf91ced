"""Logging of every process: a fixed sentence plus fields, JSON or text, to standard error. No person's data."""

import logging
import sys

import structlog
from temporalio import activity
from temporalio.exceptions import ApplicationError

from activities.runtime.settings import Settings

_LEVELS = {"debug": logging.DEBUG, "info": logging.INFO, "warning": logging.WARNING, "error": logging.ERROR}


def configure(settings: Settings) -> None:
    """Route structlog and the standard library's logging to standard error in one format."""
    level = _LEVELS[settings.log_level]
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    last: structlog.typing.Processor = structlog.processors.JSONRenderer()
    if settings.log_format == "text":
        # Plain tracebacks: the rich ones show local variables, which hold people's data.
        last = structlog.dev.ConsoleRenderer(
            colors=sys.stderr.isatty(), exception_formatter=structlog.dev.plain_traceback
        )
    structlog.configure(
        processors=[*shared, structlog.processors.format_exc_info, last],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.PrintLoggerFactory(file=sys.stderr),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[*shared, _of_temporal, structlog.processors.format_exc_info],
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, last],
        )
    )
    logging.basicConfig(level=max(level, logging.WARNING), handlers=[handler], force=True)
    activity.logger.activity_info_on_message = False  # it comes as fields


def _of_temporal(logger: object, name: str, event: structlog.typing.EventDict) -> structlog.typing.EventDict:
    """Give a line of Temporal's SDK its fields: which activity of which order, and an expected failure in a line."""
    told = getattr(event.get("_record"), "temporal_activity", None) or {}
    fields = {"activity": "activity_type", "order": "workflow_id", "queue": "task_queue", "attempt": "attempt"}
    event.update({name: told[theirs] for name, theirs in fields.items() if theirs in told})
    failure = (event.get("exc_info") or (None, None))[1]
    if isinstance(failure, ApplicationError):  # raised by us, with words; anything else is a bug, and keeps its place
        del event["exc_info"]
        event["error"] = f"{failure.type}: {failure.message}" if failure.type else failure.message
    return event


def log(part: str) -> structlog.typing.FilteringBoundLogger:
    """Return the logger of one part of the product."""
    logger: structlog.typing.FilteringBoundLogger = structlog.get_logger(part=part)
    return logger
