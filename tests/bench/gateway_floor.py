"""The floor of the way in: a bare FastAPI route that inserts a row, once by its id, and answers after the commit.

No signature, no order, no facts, nothing handed on; the product's server and the product's way to the database, so that
neither is measured. `python -m tests.bench.gateway_floor STORE_URL` serves it.
"""

import asyncio
import json
import sys

import uvloop
from fastapi import FastAPI, Request, Response
from sqlalchemy import text

from activities.runtime.settings import Settings
from activities.store.database import Store
from starter.gateway.serving import listening

_MAKE = text("CREATE TABLE IF NOT EXISTS floor_rows (id TEXT PRIMARY KEY, body TEXT NOT NULL)")
_INSERT = text("INSERT INTO floor_rows (id, body) VALUES (:id, :body) ON CONFLICT (id) DO NOTHING")


async def serve(url: str) -> None:
    """Serve until killed; print the address."""
    store = await Store.open(url, pool=Settings().store_pool)
    async with store.write() as tx:
        await tx.run(_MAKE)
    app = FastAPI()

    @app.post("/rows")
    async def row(request: Request) -> Response:
        raw = await request.body()
        async with store.write() as tx:
            await tx.run(_INSERT, {"id": str(json.loads(raw)["id"]), "body": raw.decode()})
        return Response(status_code=204)

    async with listening(app, host="127.0.0.1", port=0) as address:
        print(f"ready {address}", flush=True)
        await asyncio.Event().wait()


if __name__ == "__main__":
    uvloop.run(serve(sys.argv[1]))
