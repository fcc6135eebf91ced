"""A published pipeline with forms, and how tests fill them in."""

from datetime import UTC, datetime, timedelta
from typing import Any

from activities.runtime.tokens import Tokens
from activities.store import pipelines
from activities.store.database import Store
from starter.gateway import tracking
from starter.gateway.forms import passes
from starter.gateway.forms.passes import Pass
from tests.gateway.calling import Answer, Caller
from workflows.pipeline.frozen import freeze
from workflows.pipeline.kinds import Kinds
from workflows.pipeline.loader import load

TOKENS = Tokens(["k" * 32])

#: A browser that a person uses.
PERSON = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/140.0.0.0 Safari/537.36"

TEXT = """\
pipeline: shop
timezone: Europe/Warsaw
languages: [en, pl]
fields:
  gift_wrap: bool
stages:
  new:
    title: New
  paid:
    triggers: [{payment: paid}]
  completed:
    kind: success
    triggers:
      - {form: submitted, name: survey}
      - {callback: requested, name: call-me}
      - {visit: started, page: "/checkout*"}
      - {visit: returned, name: survey}
forms:
  survey:
    title: {en: Your <opinion>, pl: Twoja opinia}
    text: {en: "Tea & coffee", pl: Herbata i kawa}
    submit: {en: Tell us, pl: Powiedz nam}
    thanks: {en: "Thanks, we read it.", pl: "Dziękujemy, przeczytamy."}
    consent: {en: Send me offers, pl: Chcę otrzymywać oferty}
    fields:
      first_name: {label: {en: First name, pl: Imię}}
      email: {type: email, label: {en: E-mail, pl: E-mail}, hint: {en: We answer here, pl: Tu odpowiemy}}
      phone: {type: phone, label: {en: Phone, pl: Telefon}}
      colour: {type: select, label: {en: Colour, pl: Kolor}, options: {red: {en: Red, pl: Czerwony}, blue: Blue}}
      born: {type: date, label: {en: Birthday, pl: Urodziny}}
      words: {type: textarea, label: {en: Words, pl: Słowa}, required: true}
      rules: {type: checkbox, label: {en: I know the rules, pl: Znam zasady}, required: true}
  call-me:
    title: {en: Call me back, pl: Proszę o telefon}
    callback: true
    fields:
      phone: {type: phone, label: {en: Phone, pl: Telefon}, required: true}
"""

#: A survey that is filled in well.
SURVEY = {"email": "anna@mail.example", "words": "Lovely", "rules": "yes"}

ANNA = {"id": "anna", "emails": [{"email": "anna@mail.example"}], "phones": [{"number": "+48601234567"}]}


async def publish(store: Store) -> None:
    """Publish the pipeline with its forms."""
    loaded = load(TEXT, file="shop.yaml", kinds=Kinds([]))
    assert loaded.pipeline is not None, loaded.problems
    async with store.write() as tx:
        await pipelines.publish(
            tx,
            name="shop",
            text=TEXT,
            frozen_json=freeze(TEXT, loaded.pipeline, years=range(2026, 2028)).model_dump_json(),
            reopens=[],
            fields={},
            author="tests",
            now=datetime.now(UTC),
        )


def token(form: str, *, id: str = "f" * 32, age: timedelta = timedelta(seconds=5), visitor: str = "") -> str:
    """The pass of a form that was shown some time ago."""
    return passes.signed(TOKENS, Pass(id, form, datetime.now(UTC) - age, visitor))


def visitor_token(visitor: str) -> str:
    """The token of a visitor."""
    return tracking.signed(TOKENS, visitor=visitor)


async def fill_in(caller: Caller, form: str, inputs: dict[str, str], *, lang: str = "", **given: Any) -> Answer:
    """Send a form as a browser does, without following where it leads."""
    data = {"_token": token(form, **given), "_homepage": ""} | inputs
    headers = {"User-Agent": PERSON}
    return await caller.call("POST", f"/f/{form}?lang={lang}", data=data, headers=headers, allow_redirects=False)
