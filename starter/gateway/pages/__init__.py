"""What customers and visitors open: documents, links, forms, chats; one file each, one line each here."""

from fastapi import APIRouter

#: The routes of every page.
ROUTERS: tuple[APIRouter, ...] = ()
