"""Pipelines that several lives share."""

from datetime import datetime, timedelta

#: How long the quiet hours of `quiet_at` go on.
QUIET = timedelta(hours=6)

SHOP = """
pipeline: shop
title: Online store
shop: Demo Shop
timezone: Europe/Warsaw
languages: [en, pl]
quiet_hours: off
stages:
  new:
    title: Accepted
    rules:
      - id: thanks
        sms: thanks
      - id: note
        log: Order {{ order.number }} is here
      - id: check
        after: note
        task: Check {{ order.number }}
        to: responsible
      - id: remind
        wait: 2d
        sms: remind
        when: not order.paid
  paid:
    title: Being prepared
    triggers:
      - payment: paid
    rules:
      - id: pack
        log: Pack it
  shipped:
    title: On its way
    triggers:
      - shipment: shipped
    rules:
      - id: on-the-way
        email: on-the-way
  completed:
    title: Completed
    kind: success
    triggers:
      - shipment: delivered
    rules:
      - id: bye
        comment: "**Delivered**"
  cancelled:
    title: Cancelled
    kind: failure
    triggers:
      - order: cancelled
        back: true
    rules:
      - id: sorry
        comment: "Closed: {{ order.cancel_reason | default: 'no reason' }}"
messages:
  thanks: {en: "Thank you, {{ customer.first_name }}!", pl: "Dziękujemy, {{ customer.first_name }}!"}
  remind: {en: "Order {{ order.number }} waits for payment.", pl: "Zamówienie {{ order.number }} czeka na płatność."}
  on-the-way:
    subject: {en: "Order {{ order.number }} is on its way", pl: "Zamówienie {{ order.number }} w drodze"}
    en: "It **left** today."
    pl: "**Wysłane** dzisiaj."
"""


def stages(text: str, *, head: str = "") -> str:
    """Return a pipeline of these stages."""
    return f"pipeline: shop\ntitle: Shop\ntimezone: UTC\nlanguages: [en]\nquiet_hours: off\n{head}stages:\n{text}"


def quiet_at(moment: datetime) -> str:
    """Return quiet hours in which a moment lies, whatever the time of the day: they begin an hour before it."""
    return f'"{moment - timedelta(hours=1):%H:%M}-{moment + QUIET:%H:%M}"'
