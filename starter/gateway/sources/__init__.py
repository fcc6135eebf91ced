"""The outside sources of events: one file each, which verifies, parses and journals; one line each here."""

from fastapi import APIRouter

#: The routes of every source.
ROUTERS: tuple[APIRouter, ...] = ()
