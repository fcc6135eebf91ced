"""`make fuzz`: the fuzz of the suite, long and elsewhere each time; prints how to repeat it.

python -m tests.fuzz [--examples 2000] [--seed 7] [further arguments of pytest]
"""

import argparse
import os
import random
import shlex
import subprocess
import sys


def main() -> int:
    """Search; return pytest's exit code."""
    parser = argparse.ArgumentParser(prog="tests.fuzz", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--examples", type=int, default=2_000, help="examples for each parser")
    parser.add_argument("--seed", type=int, default=random.randrange(2**31), help="what repeats a search")
    given, further = parser.parse_known_args()
    again = f"python -m tests.fuzz --examples {given.examples} --seed {given.seed} {shlex.join(further)}".strip()
    print(f"Repeat with: {again}", flush=True)
    environment = os.environ | {
        "HYPOTHESIS_PROFILE": "search",
        "FUZZ_EXAMPLES": str(given.examples),
        "FUZZ_SEED": str(given.seed),
    }
    command = [sys.executable, "-m", "pytest", "tests/fuzz", "--timeout", "3600", f"--hypothesis-seed={given.seed}"]
    code = subprocess.run([*command, *further], env=environment, check=False).returncode
    print(f"Repeat with: {again}")
    return code


if __name__ == "__main__":
    sys.exit(main())
