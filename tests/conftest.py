"""What every test shares: random searches are the same ones in every run of the suite.

`HYPOTHESIS_PROFILE=search` looks elsewhere each time, and prints how to repeat what it finds.
"""

import os

from hypothesis import settings

settings.register_profile("repeatable", derandomize=True, deadline=None)
settings.register_profile("search", deadline=None, print_blob=True)
settings.load_profile("search" if os.environ.get("HYPOTHESIS_PROFILE") == "search" else "repeatable")
