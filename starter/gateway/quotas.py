"""How much one client's address may do in one process, where there are no keys."""

from fastapi import Request

from starter.gateway.access import Rates

#: So many addresses are told apart; then counting starts anew, which forgives all of them.
_MOST = 20_000


class Quota:
    """Count what addresses do; at most `per_minute`, and ten seconds' worth of it at once."""

    def __init__(self, per_minute: int) -> None:
        self._per_minute = per_minute
        self._rates = Rates(per_minute)
        self._seen: set[str] = set()

    def take(self, request: Request) -> None:
        """Count a request; raise Problem (429)."""
        address = request.client.host if request.client else ""
        if len(self._seen) >= _MOST:
            self._rates, self._seen = Rates(self._per_minute), set()
        self._seen.add(address)
        self._rates.take(address)


def quota_of(request: Request, *, name: str, per_minute: int) -> Quota:
    """Return this process's quota of that name."""
    state = request.app.state
    if not hasattr(state, name):
        setattr(state, name, Quota(per_minute))
    quota: Quota = getattr(state, name)
    return quota
