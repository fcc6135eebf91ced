"""The way out of every mail that is not transactional: one click (RFC 8058), and a link that people can see (M63)."""

from dataclasses import replace
from html import escape

from activities.actions.protocol import RunContext
from activities.providers.protocol import Message
from activities.store.suppressions import fingerprint

#: What a token of such a link is good for; it names the customer, the channel and the address by its hash.
PURPOSE = "unsubscribe"

#: The visible link, by language.
_WORDS = {
    "en": "Unsubscribe from these e-mails",
    "pl": "Zrezygnuj z otrzymywania tych wiadomości",
    "fr": "Se désabonner de ces e-mails",
    "de": "Diese E-Mails abbestellen",
    "vi": "Hủy đăng ký nhận các email này",
    "uk": "Відписатися від цих листів",
}


def with_way_out(context: RunContext, message: Message, *, language: str) -> Message:
    """Add headers and footer to a customer's mail; `language` is the text's, used where the customer's is not known.

    Without the keys that sign links, or the gateway's public address, the mail stays as it is.
    """
    premises = context.premises
    if premises.tokens is None or not premises.public_url:
        return message
    value = {"customer": message.customer, "channel": message.channel, "address": fingerprint(message.address)}
    url = f"{premises.public_url}/unsubscribe/{premises.tokens.sign(value, purpose=PURPOSE)}"
    spoken = _spoken(context, language=language)
    words = _WORDS[spoken]
    # SendGrid leaves links with this attribute alone; a way out must not depend on anybody's redirect.
    link = f'<a href="{escape(url)}" clicktracking="off">{escape(words)}</a>'
    return replace(
        message,
        body=f"{message.body.rstrip()}\n\n-- \n{words}: {url}\n",
        html=f'{message.html}<hr>\n<p lang="{spoken}"><small>{link}</small></p>\n',
        headers={
            **message.headers,
            "List-Unsubscribe": f"<{url}>",
            "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
        },
    )


def _spoken(context: RunContext, *, language: str) -> str:
    customer = context.view.customer
    own = customer.language if customer is not None else ""
    bases = (wanted.replace("_", "-").partition("-")[0].lower() for wanted in (own, language))
    return next((base for base in bases if base in _WORDS), "en")
