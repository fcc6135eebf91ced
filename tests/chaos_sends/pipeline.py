"""The pipeline of the exactly-once run: one stage that writes and calls over every channel, at once and in a chain.

Meanwhile an employee answers in the customer's chats, and others are told of the order in their way. Some of it is the
same text to the same number at the same time, also of a rule and an employee: each is a message of its own.
"""

from dataclasses import dataclass

from activities.store.records import NewEmployee

#: Each rule that leaves the house, and the channel it is counted under.
RULES = {
    "packed": "sms",
    "letter": "email, SendGrid",
    "slip": "email, SMTP",
    "call": "voice",
    "chat": "WhatsApp",
    "told": "sms",
    "thanks": "sms, the same text twice",
    "once-more": "sms, the same text twice",
}


@dataclass(frozen=True)
class Answer:
    """What an employee types into a chat of each order, in which medium, and what it is counted under."""

    medium: str
    channel: str
    text: str


#: By the first part of the `ref` under which it is typed.
ANSWERS = {
    "look": Answer("whatsapp", "answers, WhatsApp", "We look for order {number}."),
    "soon": Answer("whatsapp", "answers, WhatsApp", "Order {number} will be there soon."),
    "page": Answer("messenger", "answers, Messenger", "Order {number} is packed."),
    "text": Answer("sms", "answers, SMS", "Thank you for your order."),
}

#: Who is told of each order, and what the notice is counted under.
EMPLOYEES = {
    "marek": ("notices, SMS", NewEmployee(id="marek", notify="sms", phone="+48700000001")),
    "ewa": ("notices, mail", NewEmployee(id="ewa", notify="email", email="ewa@shop.example")),
}

#: Channels in the order of the table.
CHANNELS = tuple(
    dict.fromkeys(
        (
            *RULES.values(),
            *(answer.channel for answer in ANSWERS.values()),
            *(channel for channel, _ in EMPLOYEES.values()),
        )
    )
)

#: How many messages each order brings.
SENDS = len(RULES) + len(ANSWERS) + len(EMPLOYEES)

#: The event that lets an order enter the stage.
GO = "webhook.go"

TEXT = """
pipeline: shop
title: Every channel
shop: Storm
timezone: UTC
languages: [en]
quiet_hours: off
defaults:
  email: {from: storm@shop.example}
stages:
  new:
    title: New
  reach:
    title: Reach
    triggers:
      - webhook: go
    rules:
      - id: packed
        sms: "Order {{ order.number }} is packed."
      - id: letter
        email: letter
        on_unknown: hold
      - id: slip
        email: letter
        provider: smtp
        on_unknown: hold
      - id: call
        robocall: "Order {{ order.number }} is on its way."
      - id: chat
        chat: "Order {{ order.number }} will be there soon."
      - id: told
        after: call
        sms: "We called you about order {{ order.number }}: {{ results.call.outcome }}."
      - id: thanks
        sms: thanks
      - id: once-more
        sms: thanks
      - id: tell
        notify: "Order {{ order.number }} is on its way."
        to: [marek, ewa]
messages:
  thanks: {en: "Thank you for your order."}
  letter:
    subject: {en: "Order {{ order.number }}"}
    en: "There is [news](https://shop.example/news) of order {{ order.number }}."
"""
