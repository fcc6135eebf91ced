"""How many segments a text message takes: GSM 03.38 packs 160 letters into one, UCS-2 70 (3GPP TS 23.038, 23.040)."""

_BASIC = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
#: These take two places each.
_EXTENDED = frozenset("^{}\\[~]|€\f")


def segments(text: str) -> int:
    """Count the segments of a text message; an empty one takes one."""
    if all(char in _BASIC or char in _EXTENDED for char in text):
        places = sum(2 if char in _EXTENDED else 1 for char in text)
        return 1 if places <= 160 else -(-places // 153)
    units = len(text.encode("utf-16-le", "surrogatepass")) // 2
    return 1 if units <= 70 else -(-units // 67)
