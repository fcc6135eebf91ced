"""Turns the errors of the product's parts into words, help and an exit code for people at a command line."""

import sys

from pydantic import ValidationError

from activities.runtime.temporal import TemporalDown as NoTemporal
from activities.store.database import Conflict, NotFound, StoreDown, Unreadable
from activities.store.facts import BadEvent
from starter.cli.output import Exit, Failure, sentence
from starter.client import NoAnswer, OrdersError, TemporalDown
from starter.misfits import as_line, wrong_settings

_TEMPORAL_HELP = "start everything with `orders up`, or set TEMPORAL_ADDRESS to a running server"
_UNREADABLE_HELP = (
    "correct its file and publish it: `orders pipeline publish FILE`; orders that are in a stage of this version go on "
    "with the release that published it"
)
_STORE_HELP = "check ORDERS_STORE_URL, and run `orders db upgrade`; `orders doctor` shows more"


def failure_of(error: Exception) -> Failure:
    """Return an error as a failure; one of ours that nobody expected says how to see more of it."""
    if isinstance(error, StoreDown):
        return Failure(f"The store cannot be used: {error.reason}", help=_STORE_HELP, code=Exit.UNREACHABLE)
    if isinstance(error, TemporalDown | NoTemporal):
        return Failure(sentence(str(error)), help=_TEMPORAL_HELP, code=Exit.UNREACHABLE)
    if isinstance(error, NoAnswer):
        return Failure(str(error), help="start one with `orders worker`; what was sent may still be carried out")
    if isinstance(error, NotFound):
        return Failure(str(error), help=_LISTS.get(error.what, ""))
    if isinstance(error, Unreadable):
        return Failure(str(error), help=_UNREADABLE_HELP, code=Exit.INVALID)
    if isinstance(error, Conflict | BadEvent | OrdersError):
        return Failure(str(error))
    if _is_wrong_key(error):
        return Failure(str(error), help="correct ORDERS_CODEC_KEYS", code=Exit.USAGE)
    if isinstance(error, ValidationError):
        return Failure(sentence(as_line(error)), code=Exit.USAGE)
    if isinstance(error, OSError) and error.strerror:
        where = f"{error.filename}: " if error.filename else ""
        return Failure(f"{where}{error.strerror}", help="check the path, its permissions and the free space")
    return Failure(
        f"Something unexpected went wrong ({type(error).__name__}: {error})",
        help="run the command again as `orders --debug …` to see where, and report it",
    )


def _is_wrong_key(error: Exception) -> bool:
    # The codec is optional, as its library is: who has not imported it cannot have met its error.
    codec = sys.modules.get("activities.runtime.codec")
    return codec is not None and isinstance(error, codec.WrongKey)


_LISTS = {
    "order": "`orders order list` shows the orders; --shop names another shop",
    "pipeline": "publish one with `orders pipeline publish FILE`",
    "key": "`orders keys list` shows the keys",
    "dead delivery": "`orders events dead` lists them",
    "parked event": "`orders events parked` lists them",
    "notice or answer": "`orders messages held` lists them",
}


def setting_failure(error: ValidationError) -> Failure:
    """Return what is wrong with the environment's settings."""
    words = "; ".join(wrong_settings(error))
    return Failure(f"A setting is wrong: {words}", help="correct the environment variable", code=Exit.USAGE)
