"""What customers and visitors open: documents, links, forms, chats; one file each, one line each here."""

from fastapi import APIRouter

from starter.gateway.pages import chat, documents, forms, links, unsubscribe, visits

#: The routes of every page.
ROUTERS: tuple[APIRouter, ...] = (
    chat.router,
    documents.router,
    forms.router,
    links.router,
    unsubscribe.router,
    visits.router,
)
