"""The outside sources of events: one file each, which verifies, parses and journals; one line each here."""

from fastapi import APIRouter

from starter.gateway.sources import aftership, inbound, sendgrid, standard, stripe, triggers, twilio

#: The routes of every source.
ROUTERS: tuple[APIRouter, ...] = (
    aftership.router,
    inbound.router,
    sendgrid.router,
    standard.router,
    stripe.router,
    triggers.router,
    twilio.router,
)
