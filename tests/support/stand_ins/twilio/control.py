"""What another process may ask of the stand-in and tell it: faults, behaviour of people, messages that come in.

POST /stand-in/faults    {"seed": 1, "weights": {"quick": 50, "hang-after": 10}, "questions": {…},
                          "callbacks": {"lost": 0.25}, "next": ["reset-after"]}
POST /stand-in/script    {"refusals": {"+48…": 21211}, "deliveries": {"+48…": ["undelivered", 30003]},
                          "answers": {"+48…": "busy"}}
POST /stand-in/incoming  {"path": "/hooks/twilio/message", "form": {"From": "+48…", "Body": "…"}}
GET  /stand-in/accepted, /stand-in/calls, /healthz
"""

from typing import TYPE_CHECKING, Any

from aiohttp import web

from tests.support.stand_ins.twilio.faults import CallbackFaults, Fate, Faults

if TYPE_CHECKING:
    from tests.support.stand_ins.twilio.server import TwilioStandIn


def control(stand_in: "TwilioStandIn") -> list[web.RouteDef]:
    """Return the routes."""

    async def set_faults(request: web.Request) -> web.Response:
        _set(stand_in.faults, await request.json())
        return web.Response(status=204)

    async def set_script(request: web.Request) -> web.Response:
        told = await request.json()
        stand_in.script.refusals.update(told.get("refusals", {}))
        stand_in.script.deliveries.update({to: (end, code) for to, (end, code) in told.get("deliveries", {}).items()})
        stand_in.script.answers.update(told.get("answers", {}))
        return web.Response(status=204)

    async def come_in(request: web.Request) -> web.Response:
        told = await request.json()
        form = {"AccountSid": stand_in.options.account, **told["form"]}
        answer = await stand_in.callbacks.post(f"{stand_in.options.public_url}{told['path']}", form=form)
        return web.json_response({"status": answer.status, "text": answer.text})

    async def accepted(request: web.Request) -> web.Response:
        return web.json_response([{**line.__dict__, "at": line.at.isoformat()} for line in stand_in.accepted])

    async def calls(request: web.Request) -> web.Response:
        shown = [{**call.as_json(), "heard": call.heard, "errors": call.errors} for call in stand_in.calls.values()]
        return web.json_response(shown)

    async def healthy(request: web.Request) -> web.Response:
        return web.json_response({"status": "ok"})

    return [
        web.post("/stand-in/faults", set_faults),
        web.post("/stand-in/script", set_script),
        web.post("/stand-in/incoming", come_in),
        web.get("/stand-in/accepted", accepted),
        web.get("/stand-in/calls", calls),
        web.get("/healthz", healthy),
    ]


def _set(faults: Faults, told: dict[str, Any]) -> None:
    """Change the faults in place: the lives of messages hold them too."""
    if "seed" in told:
        faults.reseed(told["seed"])
    if "weights" in told:
        faults.weights = {Fate(name): weight for name, weight in told["weights"].items()}
    if "questions" in told:
        faults.questions = {Fate(name): weight for name, weight in told["questions"].items()}
    if "callbacks" in told:
        faults.callbacks = CallbackFaults(**told["callbacks"])
    faults.next(*(Fate(name) for name in told.get("next", ())))
