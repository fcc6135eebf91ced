"""Addresses a shop writes down never lead into our own network, whatever their name resolves to."""

import ipaddress
from collections.abc import Sequence

import pytest
from aiohttp import ClientError

from activities.providers.guard import Forbidden, Guard, GuardOptions, checked_url, is_public
from tests.rules.receiver import Receiver, erp_lookup, erp_trust

HOSTILE = {
    "plain http": "http://erp.example/hook",
    "file": "file:///etc/passwd",
    "gopher": "gopher://127.0.0.1:6379/_FLUSHALL",
    "no host": "https:///hook",
    "loopback": "https://127.0.0.1/hook",
    "localhost": "https://localhost/hook",
    "localhost with a dot": "https://localhost./hook",
    "decimal": "https://2130706433/hook",
    "octal": "https://0177.0.0.1/hook",
    "hexadecimal": "https://0x7f000001/hook",
    "short": "https://127.1/hook",
    "hexadecimal part": "https://0x7f.0.0.1/hook",
    "unicode dots": "https://127。0。0。1/hook",
    "full-width digits": "https://１２７.０.０.１/hook",
    "mapped IPv6": "https://[::ffff:127.0.0.1]/hook",
    "compatible IPv6": "https://[::127.0.0.1]/hook",
    "NAT64": "https://[64:ff9b::7f00:1]/hook",
    "6to4": "https://[2002:7f00:1::]/hook",
    "Teredo": "https://[2001:0:7f00:1::]/hook",
    "IPv6 loopback": "https://[::1]/hook",
    "site-local": "https://[fec0::1]/hook",
    "unique local": "https://[fd00:ec2::254]/hook",
    "zone": "https://[fe80::1%25eth0]/hook",
    "cloud metadata": "https://169.254.169.254/latest/meta-data/",
    "private": "https://10.0.0.8/hook",
    "carrier-grade NAT": "https://100.64.0.1/hook",
    "multicast": "https://224.0.0.1/hook",
    "unspecified": "https://0.0.0.0/hook",
    "user name": "https://erp.example@127.0.0.1/hook",
    "user name and password": "https://user:secret@erp.example/hook",
    "empty user name": "https://@erp.example/hook",
    "port of another service": "https://erp.example:22/hook",
    "backslash": "https://erp.example\\@127.0.0.1/hook",
}


@pytest.mark.parametrize("address", HOSTILE.values(), ids=HOSTILE.keys())
async def test_hostile_address_is_refused_before_anything_is_resolved(address: str) -> None:
    lookups = Lookups(["93.184.216.34"])
    with pytest.raises(Forbidden):
        await Guard(lookup=lookups).post(address, body=b"{}", headers={})
    assert lookups.asked == []


@pytest.mark.parametrize(
    "answer",
    [
        ["127.0.0.1"],
        ["10.1.2.3"],
        ["169.254.169.254"],
        ["::1"],
        ["::ffff:10.0.0.1"],
        ["64:ff9b::a9fe:a9fe"],
        ["2002:a9fe:a9fe::"],
        ["93.184.216.34", "127.0.0.1"],
        ["fe80::1%2"],
    ],
    ids=lambda answer: "+".join(answer),
)
async def test_name_that_leads_inside_is_refused_whole(answer: list[str]) -> None:
    lookups = Lookups(answer)
    with pytest.raises(Forbidden):
        await Guard(lookup=lookups).post("https://erp.example/hook", body=b"{}", headers={})
    assert len(lookups.asked) == 1


async def test_rebinding_gains_nothing_as_the_name_is_resolved_once() -> None:
    async with Receiver() as receiver:
        lookups = Lookups(["127.0.0.1"], ["169.254.169.254"])
        guard = Guard(GuardOptions(allows_private=True), lookup=lookups)
        answer = await guard.post(f"http://rebind.example:{receiver.port}/hook", body=b"{}", headers={})
    assert (answer.status, len(receiver.calls), len(lookups.asked)) == (200, 1, 1)


async def test_rebinding_to_our_network_is_refused_at_the_second_call() -> None:
    async with Receiver() as receiver:
        lookups = Lookups(["127.0.0.1"], ["169.254.169.254"])
        guard = Guard(GuardOptions(allows_private=True), lookup=lookups)
        await guard.post(f"http://rebind.example:{receiver.port}/hook", body=b"{}", headers={})
        with pytest.raises(Forbidden):
            await guard.post(f"http://rebind.example:{receiver.port}/hook", body=b"{}", headers={})
    assert len(receiver.calls) == 1


async def test_redirects_are_not_followed() -> None:
    async with Receiver(302, headers={"Location": "http://169.254.169.254/"}) as receiver:
        answer = await Guard(GuardOptions(allows_private=True)).post(receiver.url, body=b"{}", headers={})
    assert (answer.status, len(receiver.calls)) == (302, 1)


async def test_proxies_of_the_environment_are_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    async with Receiver() as receiver:
        answer = await Guard(GuardOptions(allows_private=True)).post(receiver.url, body=b"{}", headers={})
    assert answer.status == 200


async def test_endless_answer_is_not_read() -> None:
    async with Receiver(endless=True) as receiver:
        answer = await Guard(GuardOptions(allows_private=True)).post(receiver.url, body=b"{}", headers={})
    assert answer.status == 200


async def test_plain_http_stays_on_the_loopback_even_in_development() -> None:
    lookups = Lookups(["10.1.2.3"])
    with pytest.raises(Forbidden):
        await Guard(GuardOptions(allows_private=True), lookup=lookups).post(
            "http://erp.internal/hook", body=b"{}", headers={}
        )


async def test_development_setting_does_not_open_the_cloud_metadata() -> None:
    with pytest.raises(Forbidden):
        checked_url("https://169.254.169.254/latest/", allows_private=True)


async def test_encrypted_receiver_is_reached_by_its_name() -> None:
    async with Receiver(secure=True) as receiver:
        guard = Guard(GuardOptions(allows_private=True), lookup=erp_lookup, tls=erp_trust())
        answer = await guard.post(receiver.url, body=b"{}", headers={})
        (call,) = receiver.calls
        assert (answer.status, call.headers["host"]) == (200, f"erp.example:{receiver.port}")


async def test_certificate_of_another_name_is_refused() -> None:
    async with Receiver(secure=True) as receiver:
        guard = Guard(GuardOptions(allows_private=True), lookup=erp_lookup, tls=erp_trust())
        with pytest.raises(ClientError):
            await guard.post(receiver.url.replace("erp.", "crm."), body=b"{}", headers={})
    assert receiver.calls == []


async def test_receiver_without_encryption_is_not_taken_for_an_encrypted_one() -> None:
    async with Receiver() as receiver:
        guard = Guard(GuardOptions(allows_private=True))
        with pytest.raises(ClientError):
            await guard.post(receiver.url.replace("http://", "https://"), body=b"{}", headers={})
    assert receiver.calls == []


@pytest.mark.parametrize("address", ["93.184.216.34", "2606:2800:220:1:248:1893:25c8:1946", "8.8.8.8"])
def test_ordinary_address_is_public(address: str) -> None:
    assert is_public(ipaddress.ip_address(address))


@pytest.mark.parametrize("address", ["https://erp.example/hook", "https://erp.example:8443/h?a=1", "https://8.8.8.8/"])
def test_ordinary_web_address_passes(address: str) -> None:
    assert str(checked_url(address)) == address


class Lookups:
    """Answers names like a name server: one answer after the other, the last one for good."""

    def __init__(self, *answers: Sequence[str]) -> None:
        self._answers = list(answers)
        self.asked: list[str] = []

    async def __call__(self, host: str, port: int) -> list[str]:
        self.asked.append(host)
        return list(self._answers[min(len(self.asked), len(self._answers)) - 1])
