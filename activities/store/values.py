"""Checked values of the boundary: phones, mail addresses, currencies, zones, ids. Each raises ValueError with words."""

import re
from collections.abc import Mapping
from decimal import Decimal
from functools import cache
from typing import Annotated
from zoneinfo import ZoneInfo

import phonenumbers
from babel.core import get_global
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

from activities.store.columns import cleaned

_EMAIL = re.compile(r"[^@\s<>,;:\"()\[\]\\]+@[^@\s<>,;:\"()\[\]\\]+\.[^@\s<>,;:\"()\[\]\\]+")
_MOST = Decimal(10) ** 15


class Boundary(BaseModel):
    """A frozen record that crosses the boundary; an unknown key is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True)


def e164(number: str, *, region: str = "") -> str:
    """Return a phone number in E.164 form; without `+` it is read as one of the region."""
    try:
        parsed = phonenumbers.parse(number, region or None)
    except phonenumbers.NumberParseException:
        hint = "" if number.strip().startswith("+") or region else "; write it with + and the country's code"
        raise ValueError(f"'{number[:40]}' is not a phone number{hint}") from None
    if not phonenumbers.is_possible_number(parsed):
        raise ValueError(f"'{number[:40]}' is not a phone number: its length is wrong")
    return phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164)


def mail_address(text: str) -> str:
    """Return a mail address without spaces around it."""
    address = text.strip()
    if len(address) > 254 or not _EMAIL.fullmatch(address):
        raise ValueError(f"'{address[:60]}' is not a mail address")
    return address


def currency_code(text: str) -> str:
    """Return an ISO 4217 code in capitals."""
    code = text.strip().upper()
    if code not in _currencies():
        raise ValueError(f"'{text[:10]}' is not a currency; write its ISO 4217 code, such as EUR")
    return code


@cache
def _currencies() -> frozenset[str]:
    known: Mapping[str, object] = get_global("all_currencies")
    return frozenset(known)


def zone_name(text: str) -> str:
    """Return the name of a time zone; empty means not known."""
    if not text:
        return text
    try:
        return ZoneInfo(text).key
    except (KeyError, ValueError, OSError):
        raise ValueError(f"'{text[:40]}' is not a time zone; write a name such as Europe/Warsaw") from None


def exact(amount: Decimal) -> Decimal:
    """Return an amount that both databases hold exactly: finite, below 10^15, at most 6 decimals."""
    if not amount.is_finite():
        raise ValueError("the amount is not a number")
    if amount.copy_abs() >= _MOST or -int(amount.as_tuple().exponent) > 6:
        raise ValueError("the amount is below 10^15 and has at most 6 decimals")
    return amount


def _no_float(value: object) -> object:
    # 0.1 as a float is not 0.1; JSON numbers arrive as floats, so their shortest text is taken.
    return str(value) if isinstance(value, float) else value


Line = Annotated[str, AfterValidator(cleaned), Field(max_length=500)]
Prose = Annotated[str, AfterValidator(cleaned), Field(max_length=10_000)]
Name = Annotated[str, AfterValidator(cleaned), Field(min_length=1, max_length=100)]
Shop = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]{0,39}$", examples=["shop-1"])]
Number = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$", examples=["2026-00117"])]
Amount = Annotated[Decimal, BeforeValidator(_no_float), AfterValidator(exact)]
Currency = Annotated[str, AfterValidator(currency_code)]
MailAddress = Annotated[str, AfterValidator(mail_address)]
ChatAddress = Annotated[str, Field(max_length=500, pattern=r"^https://\S+$")]
Zone = Annotated[str, AfterValidator(zone_name)]
PhoneNumber = Annotated[str, AfterValidator(e164)]
Language = Annotated[str, Field(pattern=r"^([A-Za-z]{2,3}([_-][A-Za-z0-9]{2,8})*)?$", examples=["pl"])]
Country = Annotated[str, Field(pattern=r"^([A-Z]{2})?$", examples=["PL"])]
