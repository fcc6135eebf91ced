"""Forms over HTTP: shown, filled in, checked, counted once. Covers T08, T09."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from html.parser import HTMLParser
from typing import Any

import pytest
import pytest_asyncio
from multidict import CIMultiDict

from activities.runtime.settings import Settings
from activities.store import customers, journal, visitors
from activities.store.database import Store
from activities.store.history import EventRecord
from activities.store.records import CustomerRecord, CustomerRef
from starter.gateway.forms.reading import Fault, Filled
from starter.gateway.forms.showing import Shown, page_of, thanks_of
from starter.gateway.parts import Parts
from tests.gateway.calling import Caller
from tests.gateway.conftest import Serve, url_of
from tests.gateway.filling import ANNA, PERSON, SURVEY, TOKENS, fill_in, publish, token, visitor_token
from workflows.contracts.ids import OrderKey
from workflows.pipeline.forms import FieldKind, Form, FormField

KEY = OrderKey(shop="shop", number="1001")
VISITOR = "v-" + "a" * 32


@pytest.fixture
def settings(store: Store, settings: Settings) -> Settings:
    return settings.model_copy(update={"form_rate_per_minute": 6_000})


@pytest_asyncio.fixture
async def parts(store: Store, parts: Parts) -> Parts:
    await publish(store)
    return replace(parts, tokens=TOKENS)


@pytest_asyncio.fixture
async def visitor(caller: Caller) -> AsyncIterator[Caller]:
    """Somebody without a key; Anna has an order."""
    await caller.created("1001", customer=ANNA)
    async with Caller(caller.url, secret=None) as stranger:
        yield stranger


async def events(store: Store) -> list[EventRecord]:
    async with store.read() as tx:
        return [event for event in (await journal.events_of(tx, KEY)).items if event.source == "forms"]


async def customer_of(store: Store, email: str) -> CustomerRecord:
    async with store.read() as tx:
        (id,) = await customers.find(tx, ref=CustomerRef(email=email))
        return await customers.get(tx, id=id)


class Page(HTMLParser):
    """The tags of a page, in their order."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def all(self, *names: str) -> list[dict[str, str | None]]:
        return [attributes for tag, attributes in self.tags if tag in names]

    def input(self, name: str) -> dict[str, str | None]:
        return next(one for one in self.all("input", "select", "textarea") if one.get("name") == name)


def test_every_text_of_a_form_says_its_own_language_where_it_is_not_the_pages() -> None:
    """So that a screen reader speaks it as it is meant (WCAG 3.1.2)."""
    texts = {"en": "Words of the shop"}
    field = FormField(
        name="colour", kind=FieldKind.SELECT, label=texts, is_required=False, hint=texts, options={"red": texts}
    )
    form = Form(id="f", title=texts, text=texts, submit=texts, thanks=texts, consent=texts, fields=(field,))
    filled = Filled(faults={"colour": Fault.MISSING})
    shown = Shown(form, ("en", "pl"), "pl", filled=filled)
    for page in (page_of(shown), thanks_of(shown)):
        assert page.count("Words of the shop") == page.count('lang="en"') > 1
    english = page_of(replace(shown, language="en")) + thanks_of(replace(shown, language="en"))
    assert '<html lang="en">' in english
    assert english.count(' lang="') == 2


async def test_a_form_is_shown_in_the_visitors_language(visitor: Caller) -> None:
    english = await visitor.get("/f/survey")
    assert (english.status, english.headers["Content-Type"]) == (200, "text/html; charset=utf-8")
    assert "<h1>Your &lt;opinion&gt;</h1>" in english.body
    assert "Tea &amp; coffee" in english.body
    polish = await visitor.get("/f/survey", headers={"Accept-Language": "pl-PL,pl;q=0.9,en;q=0.8"})
    assert '<html lang="pl">' in polish.body
    assert "Powiedz nam" in polish.body
    assert "nieobowiązkowe" in polish.body
    assert '<html lang="en">' in (await visitor.get("/f/survey?lang=en", headers={"Accept-Language": "pl"})).body
    assert '<html lang="en">' in (await visitor.get("/f/survey?lang=de")).body


async def test_a_form_keeps_to_itself_and_loads_nothing_from_elsewhere(visitor: Caller) -> None:
    answer = await visitor.get("/f/survey")
    headers = CIMultiDict(answer.headers)
    policy = headers["content-security-policy"]
    assert policy.startswith("default-src 'none'; style-src 'sha256-")
    assert "form-action 'self'" in policy
    assert policy.endswith("frame-ancestors *")
    assert headers["cache-control"] == "no-store"
    assert headers["referrer-policy"] == "no-referrer"
    page = Page(answer.body)
    assert page.all("script", "link", "img", "iframe") == []
    assert not [one for _, one in page.tags if any(str(value).startswith("http") for value in one.values())]


async def test_only_the_named_sites_may_frame_a_form(serve: Serve, parts: Parts) -> None:
    origins = "https://shop.example, https://www.shop.example/, https://evil.example; script-src *"
    settings = parts.settings.model_copy(update={"form_origins": origins})
    caller = await serve(replace(parts, settings=settings))
    policy = CIMultiDict((await caller.get("/f/survey")).headers)["content-security-policy"]
    assert policy.endswith("frame-ancestors https://shop.example https://www.shop.example")


async def test_every_input_has_a_label_and_what_describes_it(visitor: Caller) -> None:
    page = Page((await visitor.get("/f/survey")).body)
    labelled = {one["for"] for one in page.all("label")}
    ids = [one["id"] for _, one in page.tags if one.get("id")]
    assert len(ids) == len(set(ids))
    for one in page.all("input", "select", "textarea"):
        assert one.get("type") == "hidden" or one["id"] in labelled
        assert all(name in ids for name in (one.get("aria-describedby") or "").split())
    assert page.input("email")["aria-describedby"] == "f-email-hint"
    assert "required" in page.input("words")
    assert "required" not in page.input("email")
    assert (page.input("email")["autocomplete"], page.input("phone")["type"]) == ("email", "tel")
    assert page.input("_homepage")["tabindex"] == "-1"
    assert len(page.all("main")) == len(page.all("h1")) == len(page.all("title")) == 1


async def test_a_filled_in_form_reaches_the_customers_order(store: Store, visitor: Caller) -> None:
    """Covers T08."""
    inputs = SURVEY | {"colour": "red", "born": "1990-02-03", "words": "Line one\r\nLine two", "phone": "601 234 567"}
    answer = await fill_in(visitor, "survey", inputs, lang="pl")
    assert (answer.status, answer.headers["Location"]) == (303, "survey/thanks?lang=pl")
    (event,) = await events(store)
    assert (event.type, event.id) == ("form.submitted", "f" * 32)
    assert event.data == {
        "name": "survey",
        "language": "pl",
        "customer": "anna",
        "consent": False,
        "fields": {
            "email": "anna@mail.example",
            "phone": "+48601234567",
            "colour": "red",
            "born": "1990-02-03",
            "words": "Line one\nLine two",
            "rules": True,
        },
    }
    thanks = await visitor.get("/f/survey/thanks?lang=pl")
    assert "Dziękujemy, przeczytamy." in thanks.body


async def test_a_callback_form_asks_for_a_call(store: Store, visitor: Caller) -> None:
    """Covers T09."""
    answer = await fill_in(visitor, "call-me", {"phone": "601 234 567"})
    assert answer.status == 303
    (event,) = await events(store)
    assert (event.type, event.data["name"], event.data["customer"]) == ("callback.requested", "call-me", "anna")
    assert "Thank you. We have received it." in (await visitor.get("/f/call-me/thanks")).body


async def test_who_is_not_known_becomes_a_customer_and_the_event_is_shown_to_a_person(
    store: Store, caller: Caller, visitor: Caller
) -> None:
    inputs = SURVEY | {"email": "New@Mail.example", "first_name": "Nora", "_consent": "yes"}
    assert (await fill_in(visitor, "survey", inputs, lang="pl")).status == 303
    stored = await customer_of(store, "new@mail.example")
    assert (stored.first_name, stored.language, stored.consent.marketing) == ("Nora", "pl", True)
    (parked,) = (await caller.get("/v1/events/parked")).body["items"]
    assert (parked["type"], parked["data"]["customer"]) == ("form.submitted", stored.id)


async def test_the_consent_box_gives_consent_to_marketing(store: Store, visitor: Caller) -> None:
    await fill_in(visitor, "survey", SURVEY | {"_consent": "yes"})
    assert (await customer_of(store, "anna@mail.example")).consent.marketing
    (event,) = await events(store)
    assert event.data["consent"] is True


async def test_fifty_times_the_same_form_at_once_is_one_event(store: Store, visitor: Caller) -> None:
    answers = await asyncio.gather(*[fill_in(visitor, "survey", SURVEY) for _ in range(50)])
    assert {answer.status for answer in answers} == {303}
    assert len(await events(store)) == 1


async def test_fifty_times_the_same_form_of_somebody_new_is_one_customer(store: Store, visitor: Caller) -> None:
    inputs = SURVEY | {"email": "new@mail.example"}
    answers = await asyncio.gather(*[fill_in(visitor, "survey", inputs) for _ in range(50)])
    assert {answer.status for answer in answers} == {303}
    assert (await customer_of(store, "new@mail.example")).emails[0].email == "new@mail.example"


async def test_two_forms_are_two_events(store: Store, visitor: Caller) -> None:
    for id in ("1" * 32, "2" * 32):
        await fill_in(visitor, "survey", SURVEY, id=id)
    assert len(await events(store)) == 2


@pytest.mark.parametrize(
    ("inputs", "faults"),
    [
        pytest.param({}, {"email", "words", "rules"}, id="nothing at all"),
        pytest.param({"words": "x", "rules": "yes"}, {"email"}, id="neither address nor phone"),
        pytest.param(SURVEY | {"email": "anna@"}, {"email"}, id="no mail address"),
        pytest.param(SURVEY | {"email": "", "phone": "12"}, {"phone"}, id="no phone number"),
        pytest.param(SURVEY | {"born": "yesterday"}, {"born"}, id="no date"),
        pytest.param(SURVEY | {"colour": "green"}, {"colour"}, id="not in the list"),
        pytest.param(SURVEY | {"words": "x" * 5_001}, {"words"}, id="too long"),
        pytest.param(SURVEY | {"words": "  \n "}, {"words"}, id="only spaces"),
        pytest.param({**SURVEY, "rules": ""}, {"rules"}, id="a box that is not ticked"),
        pytest.param(SURVEY | {"words": "\x00"}, set(), id="a character no database keeps"),
    ],
)
async def test_mistakes_are_told_beside_the_fields(
    store: Store, visitor: Caller, inputs: dict[str, str], faults: set[str]
) -> None:
    answer = await fill_in(visitor, "survey", inputs)
    if not faults:
        assert answer.status == 303
        return
    assert answer.status == 422
    page = Page(answer.body)
    marked = [one for one in page.all("input", "select", "textarea") if one.get("aria-invalid") == "true"]
    assert {one["name"] for one in marked} == faults
    ids = {one.get("id") for _, one in page.tags}
    for one in marked:
        assert f"f-{one['name']}-error" in (one["aria-describedby"] or "").split()
        assert f"f-{one['name']}-error" in ids
    assert [one["name"] for one in marked if "autofocus" in one] == [marked[0]["name"]]
    assert {one["href"] for one in page.all("a")} == {f"#f-{name}" for name in faults}
    assert await events(store) == []


async def test_what_was_written_stays_and_cannot_break_the_page(visitor: Caller) -> None:
    written = {"email": '"><script>', "first_name": "Ann & <b>", "words": "\n</textarea><script>", "colour": "blue"}
    answer = await fill_in(visitor, "survey", written | {"_consent": "yes"})
    page = Page(answer.body)
    assert page.all("script", "b") == []
    assert (page.input("email")["value"], page.input("first_name")["value"]) == ('"><script>', "Ann & <b>")
    assert "&lt;/textarea&gt;&lt;script&gt;</textarea>" in answer.body
    assert [one["value"] for one in page.all("option") if "selected" in one] == ["blue"]
    assert "checked" in page.input("_consent")


async def test_a_corrected_form_counts_by_its_first_pass(store: Store, visitor: Caller) -> None:
    wrong = await fill_in(visitor, "survey", SURVEY | {"email": "anna@"})
    kept = Page(wrong.body).input("_token")["value"]
    assert kept is not None
    right = await fill_in(visitor, "survey", SURVEY | {"_token": kept})
    assert right.status == 303
    assert len(await events(store)) == 1


@pytest.mark.parametrize(
    ("inputs", "given"),
    [
        pytest.param({"_homepage": "https://spam.example"}, {}, id="the trap is filled in"),
        pytest.param({}, {"age": timedelta(seconds=1)}, id="sooner than a person writes"),
        pytest.param({}, {"age": timedelta(days=1, minutes=1)}, id="shown the day before"),
        pytest.param({}, {"age": timedelta(minutes=-5)}, id="shown in the future"),
        pytest.param({"_token": ""}, {}, id="no pass"),
        pytest.param({"_token": "W10.x.y"}, {}, id="a forged pass"),
        pytest.param({"_token": token("call-me")}, {}, id="the pass of another form"),
        pytest.param({"_token": visitor_token(VISITOR)}, {}, id="a token of another kind"),
        pytest.param({"_token": "é\ud7ff" * 900}, {}, id="a pass that is no text of ours"),
    ],
)
async def test_what_a_program_sends_is_only_shown_again(
    store: Store, visitor: Caller, inputs: dict[str, str], given: dict[str, Any]
) -> None:
    answer = await fill_in(visitor, "survey", SURVEY | inputs, **given)
    assert answer.status == 409
    page = Page(answer.body)
    assert page.input("email")["value"] == "anna@mail.example"
    assert not page.input("_homepage").get("value")
    assert "It was not sent yet. Please send it once more." in answer.body
    assert await events(store) == []


async def test_who_was_taken_for_a_program_sends_it_once_more(store: Store, visitor: Caller) -> None:
    trapped = await fill_in(visitor, "survey", SURVEY | {"_homepage": "filled in by a browser"})
    kept = Page(trapped.body).input("_token")["value"]
    assert kept is not None
    assert (await fill_in(visitor, "survey", SURVEY | {"_token": kept})).status == 303
    assert len(await events(store)) == 1


async def test_a_form_cannot_be_sent_as_often_as_a_program_likes(serve: Serve, parts: Parts, store: Store) -> None:
    settings = parts.settings.model_copy(update={"form_rate_per_minute": 1})
    caller = await serve(replace(parts, settings=settings))
    statuses = [(await fill_in(caller, "survey", SURVEY, id=f"{n:032}")).status for n in range(3)]
    assert statuses == [303, 429, 429]
    answer = await fill_in(caller, "survey", SURVEY)
    assert CIMultiDict(answer.headers)["retry-after"]
    assert Page(answer.body).input("email")["value"] == "anna@mail.example"


async def test_a_form_links_the_visitor_and_the_customer(store: Store, visitor: Caller) -> None:
    shown = await visitor.get("/f/survey", params={"visitor": visitor_token(VISITOR)})
    assert VISITOR not in shown.body
    await fill_in(visitor, "survey", SURVEY, visitor=VISITOR)
    async with store.read() as tx:
        found = await visitors.find(tx, id=VISITOR)
        assert await customers.find(tx, ref=CustomerRef(visitor=VISITOR)) == ["anna"]
    assert found is not None
    assert (found.customer, found.forms) == ("anna", ("survey",))


async def test_a_forged_visitor_links_nobody(store: Store, visitor: Caller) -> None:
    """Covers case 47."""
    for forged in (VISITOR, "x.y.z", visitor_token("v-1"), token("survey")):
        assert (await visitor.get("/f/survey", params={"visitor": forged})).status == 200
    async with store.read() as tx:
        assert await visitors.find(tx, id=VISITOR) is None


@pytest.mark.parametrize("path", ["/f/none", "/f/none/thanks", "/f/%00", "/f/" + "x" * 500])
async def test_an_unknown_form_is_not_found(visitor: Caller, path: str) -> None:
    assert (await visitor.get(path)).status == 404


async def test_a_body_that_is_no_forms_is_refused(visitor: Caller) -> None:
    for body in (b"\xff\xfe=1", b"&".join(b"a%d=1" % n for n in range(300))):
        headers = {"User-Agent": PERSON, "Content-Type": "application/x-www-form-urlencoded"}
        assert (await visitor.call("POST", "/f/survey", data=body, headers=headers)).status == 400
    large = await visitor.call("POST", "/f/survey", data=b"words=" + b"x" * 300_000)
    assert large.status == 413


async def test_without_keys_there_are_no_forms(serve: Serve, parts: Parts) -> None:
    caller = await serve(replace(parts, tokens=None))
    answer = await caller.get("/f/survey")
    assert (answer.status, answer.body["code"]) == (404, "forms-off")


async def test_a_store_that_is_down_is_ours(serve: Serve, parts: Parts, tmp_path: Any) -> None:
    down = await Store.open(url_of(tmp_path / "no" / "orders.db"))
    caller = await serve(replace(parts, store=down))
    assert (await fill_in(caller, "survey", SURVEY)).status == 503
