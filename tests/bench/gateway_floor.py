"""The floor of the way in: a bare FastAPI route that inserts a row, once by its id, and answers after the commit.

No signature, no order, no facts, nothing handed on. `python -m tests.bench.gateway_floor STORE_URL` serves it.
"""

import asyncio
import json
import sys

import uvloop
from fastapi import FastAPI, Request, Response
from sqlalchemy import text

from activities.store.engines import engine_of
from starter.gateway.serving import listening

_MAKE = "CREATE TABLE IF NOT EXISTS floor_rows (id TEXT PRIMARY KEY, body TEXT NOT NULL)"
_INSERT = text("INSERT INTO floor_rows (id, body) VALUES (:id, :body) ON CONFLICT (id) DO NOTHING")


async def serve(url: str) -> None:
    """Serve until killed; print the address."""
    engine = engine_of(url, pool=10)
    writer = engine.execution_options(writes=True)
    turn = asyncio.Lock() if engine.dialect.name == "sqlite" else None
    async with writer.begin() as connection:
        await connection.execute(text(_MAKE))
    app = FastAPI()

    async def insert(values: dict[str, str]) -> None:
        async with writer.begin() as connection:
            await connection.execute(_INSERT, values)

    @app.post("/rows")
    async def row(request: Request) -> Response:
        raw = await request.body()
        values = {"id": str(json.loads(raw)["id"]), "body": raw.decode()}
        if turn is None:
            await insert(values)
        else:
            async with turn:
                await insert(values)
        return Response(status_code=204)

    async with listening(app, host="127.0.0.1", port=0) as address:
        print(f"ready {address}", flush=True)
        await asyncio.Event().wait()


if __name__ == "__main__":
    uvloop.run(serve(sys.argv[1]))
