"""Reads what commands are given: files, standard input, JSON. What cannot be read ends the command, saying why."""

import json
import sys
from pathlib import Path

from starter.cli.output import Exit, Failure

#: The name by which standard input is given as a file.
STDIN = "-"


def read_file(file: str, *, unreadable: Exit = Exit.USAGE) -> str:
    """Return a file's text, `-` being standard input. `unreadable` is the exit code where it is not UTF-8."""
    try:
        data = sys.stdin.buffer.read() if file == STDIN else Path(file).read_bytes()
        return data.decode("utf-8")
    except FileNotFoundError:
        raise Failure(
            f"there is no file '{file}'", help="Check the path; - reads standard input.", code=Exit.USAGE
        ) from None
    except IsADirectoryError:
        raise Failure(f"'{file}' is a folder", help="Name the file in it, like shop.yaml.", code=Exit.USAGE) from None
    except UnicodeDecodeError as error:
        raise Failure(
            f"'{file}' is not UTF-8 (byte {error.start})", help="Save it as UTF-8 in your editor.", code=unreadable
        ) from None
    except OSError as error:
        raise Failure(
            f"'{file}' cannot be read: {error.strerror}", help="Check its permissions.", code=Exit.USAGE
        ) from None


def json_object(text: str, *, name: str, example: str) -> dict[str, object]:
    """Read a JSON object; `name` says what it was given as, and the example what it should look like."""
    try:
        found = json.loads(text)
    except ValueError as error:
        raise Failure(f"{name} is not JSON ({error})", help=example, code=Exit.USAGE) from error
    if not isinstance(found, dict):
        raise Failure(f"{name} is not a JSON object", help=example, code=Exit.USAGE)
    return found
