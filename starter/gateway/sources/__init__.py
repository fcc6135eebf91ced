"""The outside sources of events: one file each, which verifies, parses and journals; one line each here."""

from fastapi import APIRouter

from starter.gateway.sources import twilio

#: The routes of every source.
ROUTERS: tuple[APIRouter, ...] = (twilio.router,)
