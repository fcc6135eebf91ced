"""Documents of orders: what there is, and the files. Reading them here is no viewing by the customer."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Path, Response

from activities.store import documents, orders
from activities.store.database import NotFound
from activities.store.documents import DocumentRecord
from activities.store.values import Boundary
from starter.gateway.access import Right, needs
from starter.gateway.openapi import Answers, answers
from starter.gateway.pages.documents import PREVIEW, file_of
from starter.gateway.parts import Gateway, Key, Parts

router = APIRouter(tags=["desk"])
_READ = [Depends(needs(Right.CUSTOMERS_READ))]


class DocumentEntry(Boundary):
    """A document. `url` is its public link for the customer; `preview_url` opens it without counting as viewed."""

    id: UUID
    template: str
    number: str
    name: str
    media_type: str
    language: str
    is_signed: bool
    rule: str | None
    url: str
    preview_url: str
    created_at: datetime
    viewed_at: datetime | None


_EXAMPLE = {
    "id": "5e0c1c3a-0b6a-5a55-9c0f-6f0b8f2f8a11",
    "template": "invoice",
    "number": "2026-0042",
    "name": "invoice-2026-0042.pdf",
    "media_type": "application/pdf",
    "language": "pl",
    "is_signed": True,
    "rule": "invoice",
    "url": "https://orders.shop.example/d/9fJx…",
    "preview_url": "https://orders.shop.example/d/9fJx…?preview=Ij…",
    "created_at": "2026-11-21T10:15:00Z",
    "viewed_at": None,
}

_PDF: Answers = {
    200: {
        "content": {"application/pdf": {"schema": {"type": "string", "format": "binary"}, "example": "%PDF-1.7 …"}},
        "description": "The file.",
    }
}


@router.get("/v1/orders/{number}/documents", dependencies=_READ, responses=answers([_EXAMPLE], refusals=(404,)))
async def list_documents_of_order(gateway: Gateway, key: Key) -> list[DocumentEntry]:
    """List an order's documents, the oldest first."""
    async with gateway.store.read() as tx:
        await orders.get(tx, key)
        found = await documents.of_order(tx, key)
    return [_entry(gateway, document) for document in found]


@router.get(
    "/v1/documents/{id}",
    dependencies=_READ,
    response_class=Response,
    responses={**answers(None, refusals=(404,)), **_PDF},
)
async def get_document(gateway: Gateway, id: Annotated[UUID, Path(description="The document's id.")]) -> Response:
    """Give a document's file."""
    async with gateway.store.read() as tx:
        document = await documents.get(tx, id=id)
    if not document.content:
        raise NotFound("document", str(id))
    return file_of(document)


def _entry(gateway: Parts, document: DocumentRecord) -> DocumentEntry:
    url = f"{gateway.public_url}/d/{document.token}"
    preview = gateway.tokens.sign(str(document.id), purpose=PREVIEW) if gateway.tokens is not None else ""
    return DocumentEntry(
        url=url,
        preview_url=f"{url}?preview={preview}" if preview else "",
        **document.model_dump(include=set(DocumentEntry.model_fields) - {"url", "preview_url"}),
    )
