"""`python -m starter.gateway`: the gateway as a process. Exit codes: 0 stopped as told, 1 failed, 2 wrong settings."""

import asyncio
import os
import sys

from pydantic import ValidationError
from uvicorn.loops.auto import auto_loop_factory

from activities.runtime import logs
from activities.runtime.settings import Settings
from starter.gateway.serving import PortTaken, serve
from starter.misfits import wrong_settings


def main() -> int:
    """Run the gateway until it is told to stop."""
    try:
        settings = Settings()
    except ValidationError as error:
        sys.stderr.writelines(f"{words}\n" for words in wrong_settings(error))
        return 2
    logs.configure(settings)
    try:
        with asyncio.Runner(loop_factory=auto_loop_factory()) as runner:
            runner.run(serve(settings))
    except (PortTaken, ValueError) as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


if __name__ == "__main__":
    code = main()
    sys.stdout.flush()
    sys.stderr.flush()
    # Temporal's native threads abort some processes at the interpreter's end (sdk-python #300).
    os._exit(code)
