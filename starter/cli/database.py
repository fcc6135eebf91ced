"""`orders db`: bring the store to this program's schema, and see whether it has it."""

from typing import Annotated

import typer

from starter.cli.connections import known_settings, opened_store, run
from starter.cli.output import Exit, Failure, say, say_json

app = typer.Typer(no_args_is_help=True, help="The store's database.")

_Json = Annotated[bool, typer.Option("--json", help="Answer in JSON.")]


@app.command()
def upgrade(json: _Json = False) -> None:
    """Bring the database to this program's schema. Safe to repeat, and from several processes at once."""
    from activities.store.schema import migrate

    revision = run(migrate(known_settings().store_url))
    _answer(revision, is_json=json)


@app.command()
def check(json: _Json = False) -> None:
    """See whether the database answers and has exactly this program's schema."""
    _answer(run(_checked()), is_json=json)


async def _checked() -> str:
    from activities.store.database import SCHEMA
    from activities.store.schema import differences

    settings = known_settings()
    async with opened_store(settings):
        pass
    found = await differences(settings.store_url)
    if found:
        words = f"The database differs from its schema in {len(found)} places, the first: {found[0]}"
        raise Failure(words, help="somebody changed tables by hand; undo that", code=Exit.DIFFERENT)
    return SCHEMA


def _answer(revision: str, *, is_json: bool) -> None:
    if is_json:
        say_json({"schema": revision})
    else:
        say(f"The database has schema {revision}")
