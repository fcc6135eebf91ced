"""The figures that operators watch. Labels are names of ours (kinds, reasons, providers), never ids or people."""

from prometheus_client import Counter

DUPLICATE_SENDS = Counter(
    "orders_duplicate_sends_total",
    "Messages that a provider reported under two ids: each may have left twice",
    ["provider"],
)
BUGS = Counter("orders_bugs_total", "Failures on our side that were worked around; each is in the log", ["part"])
RUNS = Counter("orders_runs_total", "Runs of rules that ended", ["kind", "status", "reason"])
DECISIONS = Counter("orders_decisions_total", "Decisions on events", ["reason"])
REFUSED_CALLS = Counter(
    "orders_refused_calls_total",
    "Calls of vendors whose signature was not valid; each orders doctor adds one to sendgrid and one to mail",
    ["source"],
)
CLOCK_APART = Counter("orders_clock_apart_total", "Signatures whose moment was more than five minutes from ours")
NO_ACCESS = Counter("orders_no_access_total", "Sends that wait as their provider lets nobody of ours in", ["provider"])
LET_GO = Counter("orders_let_go_total", "Records that were kept for long enough, by kind", ["kind"])
