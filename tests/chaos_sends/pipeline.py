"""The pipeline of the exactly-once run: one stage that writes and calls over every channel, at once and in a chain.

Two of its rules send the same text to the same number at the same time: each is a message of its own.
"""

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

#: Channels in the order of the table.
CHANNELS = tuple(dict.fromkeys(RULES.values()))

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
messages:
  thanks: {en: "Thank you for your order."}
  letter:
    subject: {en: "Order {{ order.number }}"}
    en: "There is [news](https://shop.example/news) of order {{ order.number }}."
"""
