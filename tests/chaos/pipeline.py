"""The pipeline of the crash test: three stages an order wanders through, and a final one. Every wait is short."""

#: Stages an order may be moved to by an event `webhook.to-STAGE`.
WANDERING = ("a", "b", "c")

#: The stage in which every order must end, by the event `webhook.done`.
FINAL = "done"

TEXT = """
pipeline: shop
title: Storm
shop: Storm
timezone: UTC
languages: [en]
quiet_hours: off
defaults:
  email: {from: storm@shop.example}
stages:
  a:
    title: A
    triggers:
      - webhook: to-a
        from: [b, c]
        back: true
    rules:
      - id: hello
        sms: "Hello {{ order.number }}"
      - id: then-mail
        after: hello
        wait: 1s
        email: letter
      - id: note
        log: "{{ order.number }} is in a"
      - id: mark
        after: note
        set: {tags: [marked]}
        append: true
      - id: late-note
        after: mark
        wait: 1s
        log: a second later
      - id: chained
        after: late-note
        sms: "Chained {{ order.number }}"
      - id: remind
        wait: 2s
        sms: "Remember {{ order.number }}"
  b:
    title: B
    triggers:
      - webhook: to-b
        from: [a, c]
        back: true
    rules:
      - id: paid
        mark_paid: true
      - id: receipt
        after: paid
        email: letter
      - id: both
        sms: "Both {{ order.number }}"
      - id: soon
        wait: 1s
        sms: "Soon {{ order.number }}"
      - id: told
        after: soon
        comment: Told
  c:
    title: C
    triggers:
      - webhook: to-c
        from: [a, b]
        back: true
    rules:
      - id: ping
        sms: "Ping {{ order.number }}"
        on_failure: continue
      - id: pong
        after: ping
        email: letter
      - id: seen
        log: seen
      - id: leave
        after: seen
        wait: 2s
        move: b
        reason: c is only a visit
  done:
    title: Done
    kind: success
    triggers:
      - webhook: done
        from: [a, b, c]
    rules:
      - id: bye
        sms: "Bye {{ order.number }}"
      - id: end
        after: bye
        log: The end
messages:
  letter:
    subject: {en: "Order {{ order.number }}"}
    en: "There is news of order {{ order.number }}."
"""
