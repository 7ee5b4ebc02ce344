"""The hub as an ASGI application: the calls of both variants, and two addresses for those who watch."""

from http import HTTPStatus

import structlog
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from edoc.axis.replies import FAIL, Head, Reply
from edoc.axis.wire import JSON_TYPE, dump_json
from edoc.errors import EdocError
from edoc.hub import directory, national, provincial
from edoc.hub.desk import Desk
from edoc.hub.hub import Hub
from edoc.hub.refusals import BAD_CALL

log = structlog.get_logger()


def make_application(hub: Hub) -> Starlette:
    """Make the application of an open hub; nothing that it answers is HTML."""
    desk = Desk.of(hub)

    async def tell_ready(_request: Request) -> Response:
        try:
            await run_in_threadpool(_use, hub)
        except EdocError as error:
            log.warning("not ready", error=str(error))
            against = ["the database cannot be used now"]
        else:
            against = []
        status = HTTPStatus.SERVICE_UNAVAILABLE if against else HTTPStatus.OK
        body = dump_json({"ready": not against, "reasons": against})
        return Response(body, status_code=status, media_type=JSON_TYPE)

    application = Starlette(
        routes=[
            *national.list_routes(desk),
            *provincial.list_routes(desk),
            Route("/livez", _tell_alive, methods=["GET"]),
            Route("/readyz", tell_ready, methods=["GET"]),
        ],
        exception_handlers={HTTPException: _refuse},
    )
    application.router.redirect_slashes = False
    return application


def _use(hub: Hub) -> None:
    with hub.reading() as connection:
        directory.count_systems(connection)


async def _tell_alive(_request: Request) -> Response:
    return Response(b"{}", media_type=JSON_TYPE)


async def _refuse(_request: Request, error: Exception) -> Response:
    """Answer a path or a method that there is not."""
    status = error.status_code if isinstance(error, HTTPException) else HTTPStatus.INTERNAL_SERVER_ERROR
    head = Head(status=FAIL, error_code=BAD_CALL, error_desc="there is no such call here.")
    return Response(Reply(head=head).dump(), status_code=status, media_type=JSON_TYPE)
