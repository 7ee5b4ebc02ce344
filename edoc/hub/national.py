"""The calls of the national axis, as the SDK makes them: one address each, answered in JSON.

Every answer but a download has the status 200, for the SDK reads the reply and looks at nothing else; a
download that fails has another, since its body would otherwise pass for a package.
"""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from functools import partial
from http import HTTPStatus
from typing import Final

from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route

from edoc.axis.replies import Head, SendReply
from edoc.axis.signing import PREFIX
from edoc.axis.wire import JSON_TYPE, Operation, parse_receivers
from edoc.hub import delivery, operations
from edoc.hub.acceptance import Claim, accept
from edoc.hub.audit import Actor
from edoc.hub.delivery import RangeError
from edoc.hub.desk import Desk, choose_status, leaves, require_claim
from edoc.hub.intake import pour, read_small
from edoc.hub.operations import Caller

Work = Callable[[Desk, Request, Caller], Awaitable[Response]]


def list_routes(desk: Desk) -> list[Route]:
    """The address of each call."""
    return [
        Route(f"/{operation}", partial(_serve, desk, operation), methods=[operation.method])
        for operation in Operation
    ]


async def _serve(desk: Desk, operation: Operation, request: Request) -> Response:
    actor = Actor(
        system=request.headers.get(f"{PREFIX}systemid", ""),
        address=request.client.host if request.client else "",
    )
    proven = False
    try:
        call = await run_in_threadpool(desk.gate.admit, request.headers.items())
        proven = True
        # The signed id counts: a header may come twice, and only one of them need be the signed one.
        actor = replace(actor, system=call.system_id)
        work = _WORK.get(operation) or partial(_answer, operation)
        return await work(desk, request, Caller(call=call, actor=actor))
    except ClientDisconnect:
        return Response(status_code=HTTPStatus.BAD_REQUEST)  # nobody is there to read it
    except Exception as error:  # noqa: BLE001 - whatever happened, it is told in the protocol's words
        head = await desk.fail(error, actor=actor, operation=operation, proven=proven)
        return _refuse(operation, head, request, error)


def _refuse(operation: Operation, head: Head, request: Request, error: Exception) -> Response:
    headers = leaves(request, error)
    status = HTTPStatus.OK
    if isinstance(error, RangeError):
        status = HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE
        headers["Content-Range"] = f"bytes */{error.size}"
    elif operation is Operation.DOWNLOAD:
        status = choose_status(error)
    body = operations.refuse(operation, head).dump()
    return Response(body, status_code=status, media_type=JSON_TYPE, headers=headers)


async def _answer(operation: Operation, desk: Desk, request: Request, caller: Caller) -> Response:
    body = await read_small(request, desk.patience)
    reply = await run_in_threadpool(operations.answer, desk.hub, operation, caller, body)
    return Response(reply.dump(), media_type=JSON_TYPE)


async def _send(desk: Desk, request: Request, caller: Caller) -> Response:
    given = caller.parameters
    operations.require_service(given)
    claimed = require_claim(given.get("hash-file", ""))
    claim = Claim(sender=given.get("from", ""), receivers=parse_receivers(given.get("to", "")))
    async with desk.room(request, caller.system) as spool:
        await pour(request, lambda piece: run_in_threadpool(spool.write, piece), desk.patience)
        stored = await run_in_threadpool(spool.finish, claimed)
        doc_id = await run_in_threadpool(accept, desk.hub, caller.actor, spool, stored, claim)
    return Response(SendReply(doc_id=doc_id).dump(), media_type=JSON_TYPE)


async def _get(desk: Desk, request: Request, caller: Caller) -> Response:
    await read_small(request, desk.patience)
    stored = await run_in_threadpool(operations.find_package, desk.hub, caller, Operation.GET)
    before, after = operations.refuse(Operation.GET, Head()).dump().rsplit(b'""', 1)
    return await delivery.respond_base64(desk.hub.objects, stored, before=before + b'"', after=b'"' + after)


async def _download(desk: Desk, request: Request, caller: Caller) -> Response:
    stored = await run_in_threadpool(operations.find_package, desk.hub, caller, Operation.DOWNLOAD)
    return await delivery.respond_raw(
        desk.hub.objects,
        stored,
        range_header=request.headers.get("range", ""),
        if_range=request.headers.get("if-range", ""),
    )


_WORK: Final[dict[Operation, Work]] = {
    Operation.SEND: _send,
    Operation.GET: _get,
    Operation.DOWNLOAD: _download,
}
