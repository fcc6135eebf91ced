"""The filters that texts may use. Money, dates, numbers and plurals are written in the customer's locale (M43).

None of them can make a text much longer than its input: python-liquid does not count what filters produce.
"""

from collections.abc import Callable
from datetime import date as Date
from datetime import datetime as DateTime
from datetime import tzinfo
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from functools import lru_cache

from babel import Locale, UnknownLocaleError, dates, numbers
from liquid import RenderContext
from liquid.builtin.filters import array, misc, string
from liquid.exceptions import FilterArgumentError
from liquid.filter import liquid_filter, with_context

#: Under this name a rendering hands its locale, currency and zone to the filters; no text can name it.
SETTING = "$setting"

_FORMATS = ("short", "medium", "long", "full")
_LARGEST = Decimal(10) ** 15


class Setting:
    """Where a text is rendered for: the customer's locale, the order's currency, the customer's zone."""

    def __init__(self, *, language: str, currency: str, zone: tzinfo) -> None:
        self.locale = locale_of(language)
        self.currency = currency
        self.zone = zone


@lru_cache(maxsize=256)
def locale_of(language: str) -> Locale:
    """Return the locale of a language tag (`pl`, `pt-BR`), its base language's, else English."""
    for tag in (language, language.partition("-")[0]):
        try:
            return Locale.parse(tag, sep="-")
        except (UnknownLocaleError, ValueError, TypeError):
            continue
    return Locale("en")


@with_context
@liquid_filter
def money(value: object, currency: object = None, *, context: RenderContext) -> object:
    """Write an amount with its currency, the order's unless named: `{{ order.total | money }}`."""
    if _is_nothing(value):
        return ""
    setting = _setting(context)
    code = str(currency or setting.currency)
    return numbers.format_currency(_number(value), code, locale=setting.locale)


@with_context
@liquid_filter
def number(value: object, *, context: RenderContext) -> object:
    """Write a number as the customer does: `{{ order.paid_amount | number }}`."""
    return "" if _is_nothing(value) else numbers.format_decimal(_number(value), locale=_setting(context).locale)


@with_context
@liquid_filter
def date(value: object, style: object = "medium", *, context: RenderContext) -> object:
    """Write the day of a date: `{{ order.delivery_date | date: "long" }}`; short, medium, long or full."""
    if _is_nothing(value):
        return ""
    moment = _moment(value, context=context)
    day = moment.date() if isinstance(moment, DateTime) else moment
    return dates.format_date(day, format=_style(style), locale=_setting(context).locale)


@with_context
@liquid_filter
def time(value: object, style: object = "short", *, context: RenderContext) -> object:
    """Write the clock time of a date, in the customer's zone: `{{ order.created_at | time }}`."""
    if _is_nothing(value):
        return ""
    moment = _moment(value, context=context)
    clock = moment.time() if isinstance(moment, DateTime) else DateTime.min.time()
    return dates.format_time(clock, format=_style(style), locale=_setting(context).locale)


@with_context
@liquid_filter
def datetime(value: object, style: object = "medium", *, context: RenderContext) -> object:
    """Write the day and the clock time of a date, in the customer's zone."""
    if _is_nothing(value):
        return ""
    moment = _moment(value, context=context)
    whole = moment if isinstance(moment, DateTime) else DateTime.combine(moment, DateTime.min.time())
    return dates.format_datetime(whole.replace(tzinfo=None), format=_style(style), locale=_setting(context).locale)


@with_context
@liquid_filter
def plural(value: object, *forms: object, context: RenderContext) -> object:
    """Choose a word's form for a number: `{{ n | plural: "sztuka", "sztuki", "sztuk" }}`.

    Forms stand in the order of Unicode's categories that the language has (zero, one, two, few, many, other; CLDR
    plural rules); `other` is the last one given.
    """
    if not forms:
        raise FilterArgumentError("plural needs the word's forms", token=None)
    rule = _setting(context).locale.plural_form
    category = rule(_number(value))
    tags = [tag for tag in ("zero", "one", "two", "few", "many") if tag in rule.tags]
    place = tags.index(category) if category in tags else len(forms) - 1
    return str(forms[min(place, len(forms) - 1)])


@liquid_filter
def plus(value: object, other: object) -> Decimal:
    """Add a number."""
    return _capped(_number(value) + _number(other))


@liquid_filter
def minus(value: object, other: object) -> Decimal:
    """Take a number away."""
    return _capped(_number(value) - _number(other))


@liquid_filter
def times(value: object, other: object) -> Decimal:
    """Multiply by a number."""
    return _capped(_number(value) * _number(other))


@liquid_filter
def round_(value: object, digits: object = 0) -> Decimal:
    """Round to at most six digits after the point, halves away from zero."""
    places = min(6, max(0, int(_number(digits))))
    return _number(value).quantize(Decimal(1).scaleb(-places), rounding=ROUND_HALF_UP)


#: Every filter by the name texts use.
FILTERS: dict[str, Callable[..., object]] = {
    "default": misc.default,
    "money": money,
    "number": number,
    "date": date,
    "time": time,
    "datetime": datetime,
    "plural": plural,
    "upcase": string.upcase,
    "downcase": string.downcase,
    "capitalize": string.capitalize,
    "strip": string.strip,
    "truncate": string.truncate,
    "escape": string.escape,
    "join": array.join,
    "first": array.first,
    "last": array.last,
    "size": misc.size,
    "round": round_,
    "plus": plus,
    "minus": minus,
    "times": times,
}


def _setting(context: RenderContext) -> Setting:
    found = context.globals.get(SETTING)
    assert isinstance(found, Setting)
    return found


def _is_nothing(value: object) -> bool:
    return value is None or value == "" or getattr(value, "force_liquid_default", False) is True


def _number(value: object) -> Decimal:
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal | str):
        raise FilterArgumentError("not a number", token=None)
    try:
        found = Decimal(str(value))
    except InvalidOperation:
        raise FilterArgumentError("not a number", token=None) from None
    return _capped(found)


def _capped(value: Decimal) -> Decimal:
    if not value.is_finite() or abs(value) > _LARGEST:
        raise FilterArgumentError("the number is too large", token=None)
    return value


def _moment(value: object, *, context: RenderContext) -> DateTime | Date:
    if isinstance(value, DateTime):
        return value.astimezone(_setting(context).zone) if value.tzinfo else value
    if isinstance(value, Date):
        return value
    try:
        text = str(value)
        return Date.fromisoformat(text) if len(text) == 10 else _moment(DateTime.fromisoformat(text), context=context)
    except ValueError:
        raise FilterArgumentError("not a date", token=None) from None


def _style(style: object) -> str:
    if style not in _FORMATS:
        raise FilterArgumentError(f"a date is written {', '.join(_FORMATS)}", token=None)
    return str(style)
