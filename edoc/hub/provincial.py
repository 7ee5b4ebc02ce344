"""The provincial variant: REST with a login and multipart, as the guide of Lạng Sơn (v2.2) describes it.

A system logs in with its id and its secret and gets a token of an hour; each call carries the token, the id
and the secret. Known from other people's programs only: `edoc.axis.provincial` is the client. There is no
`hash-file` here, so a damaged package is found out only where it is no edXML any more.
"""

import base64
import binascii
import hashlib
import hmac
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from functools import partial
from http import HTTPStatus
from typing import Any, Final

from pydantic import SecretStr
from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route

from edoc.axis.replies import ReceivedRow
from edoc.axis.wire import JSON_TYPE, ErrorCode, Operation, dump_json, load_object
from edoc.hub import delivery, directory, operations, queues
from edoc.hub.acceptance import Claim, accept
from edoc.hub.audit import Actor
from edoc.hub.desk import Desk, leaves
from edoc.hub.forms import FileForm
from edoc.hub.intake import pour, read_small
from edoc.hub.refusals import CallRefusedError, choose_code

_LIFE: Final = timedelta(hours=1)
_SYSTEM_ID: Final = "x-systemid"
_SECRET: Final = "x-secretkey"  # noqa: S105 - a header's name
_CUT: Final = "\0"

Work = Callable[[Desk, Request, Actor], Awaitable[Response]]


def list_routes(desk: Desk) -> list[Route]:
    """The address of each call."""
    login = Route("/v1/auth/login", partial(_log_in, desk), methods=["POST"])
    return [
        login,
        *(
            Route(f"/v1/{operation}", partial(_serve, desk, operation, work), methods=[method])
            for operation, method, work in _WORK
        ),
    ]


async def _log_in(desk: Desk, request: Request) -> Response:
    actor = Actor(system="", address=_address(request))
    proven = False
    try:
        body = load_object(await read_small(request, desk.patience), where="body")
        actor = Actor(system=str(body.get("username", "")), address=_address(request))
        secret = await run_in_threadpool(desk.gate.admit_secret, actor.system, str(body.get("password", "")))
        proven = True
        desk.gate.require_pace(actor.system)
        token = make_token(actor.system, secret, now=desk.hub.clock())
        return _reply({"success": True, "data": {"token": token}})
    except ClientDisconnect:
        return Response(status_code=HTTPStatus.BAD_REQUEST)
    except Exception as error:  # noqa: BLE001 - whatever happened, it is told in the protocol's words
        return await _refuse(desk, request, error, actor, "login", proven=proven)


async def _serve(desk: Desk, operation: str, work: Work, request: Request) -> Response:
    actor = Actor(system=request.headers.get(_SYSTEM_ID, ""), address=_address(request))
    proven = False
    try:
        await run_in_threadpool(_admit, desk, actor.system, request)
        proven = True
        return await work(desk, request, actor)
    except ClientDisconnect:
        return Response(status_code=HTTPStatus.BAD_REQUEST)  # nobody is there to read it
    except Exception as error:  # noqa: BLE001 - whatever happened, it is told in the protocol's words
        return await _refuse(desk, request, error, actor, operation, proven=proven)


def make_token(system_id: str, secret: SecretStr, *, now: datetime) -> str:
    """Make a bearer's token that the hub need not remember: who, until when, and a proof of both."""
    text = f"{system_id}{_CUT}{round((now + _LIFE).timestamp())}"
    return f"{_encode(text.encode())}.{_encode(_prove(text, secret))}"


def is_token(token: str, system_id: str, secret: SecretStr, *, now: datetime) -> bool:
    """Tell whether a token is the system's and still counts."""
    first, _, second = token.partition(".")
    try:
        text, proof = _decode(first).decode(), _decode(second)
    except (binascii.Error, ValueError):
        return False
    who, _, until = text.partition(_CUT)
    same = hmac.compare_digest(_prove(text, secret), proof)
    return same and who == system_id and now.timestamp() < int(until)


def _admit(desk: Desk, system_id: str, request: Request) -> None:
    secret = desk.gate.admit_secret(system_id, request.headers.get(_SECRET, ""))
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not is_token(token, system_id, secret, now=desk.hub.clock()):
        raise CallRefusedError(ErrorCode.NOT_AUTHENTIC, "the token is none of this hub's, or too old.")
    desk.gate.require_pace(system_id)


async def _send(desk: Desk, request: Request, actor: Actor) -> Response:
    async with desk.room(request, actor.system) as spool:
        form = FileForm(request.headers.get("content-type", ""), file="edocFile", take=spool.write)
        await pour(request, lambda piece: run_in_threadpool(form.write, piece), desk.patience)
        form.finish()
        stored = await run_in_threadpool(spool.finish, None)
        doc_id = await run_in_threadpool(accept, desk.hub, actor, spool, stored, Claim())
    return _reply({"success": True, "data": {"docId": doc_id}})


async def _list_received(desk: Desk, request: Request, actor: Actor) -> Response:
    query = request.query_params
    kind = operations.read_kind(query.get("messageType", ""))
    span = operations.read_span(query.get("fromDate", ""), query.get("toDate", ""))

    def find() -> tuple[ReceivedRow, ...]:
        with desk.hub.reading() as connection:
            directory.require_system(connection, actor.system)
            return queues.list_received(connection, actor.system, kind, span)

    return _reply({"success": True, "data": [_show(row) for row in await run_in_threadpool(find)]})


async def _get(desk: Desk, request: Request, actor: Actor) -> Response:
    doc_id = request.query_params.get("docId", "")
    stored = await run_in_threadpool(operations.hand_out, desk.hub, actor, Operation.GET, doc_id)
    before, after = dump_json({"success": True, "data": {"docId": doc_id, "edxml": ""}}).rsplit(b'""', 1)
    return await delivery.respond_base64(desk.hub.objects, stored, before=before + b'"', after=b'"' + after)


async def _update_status(desk: Desk, request: Request, actor: Actor) -> Response:
    body = load_object(await read_small(request, desk.patience), where="body")
    doc_id, word = str(body.get("docId", "")), str(body.get("status", ""))
    head = await run_in_threadpool(
        operations.set_status, desk.hub, actor, Operation.UPDATE_STATUS, doc_id, word
    )
    return _reply({"success": True, "data": {"errorCode": head.error_code, "errorDesc": head.error_desc}})


async def _list_agencies(desk: Desk, _request: Request, actor: Actor) -> Response:
    def find() -> list[dict[str, str]]:
        with desk.hub.reading() as connection:
            directory.require_system(connection, actor.system)
            rows = directory.list_agencies(connection)
        codes = {row.id: row.code for row in rows}
        return [
            {
                "orgCode": row.code,
                "orgName": row.name,
                "parentCode": codes.get(row.pid, ""),
                "email": row.mail,
            }
            for row in rows
        ]

    return _reply({"code": int(HTTPStatus.OK), "message": "Success", "data": await run_in_threadpool(find)})


async def _refuse(
    desk: Desk, request: Request, error: Exception, actor: Actor, operation: str, *, proven: bool
) -> Response:
    head = await desk.fail(error, actor=actor, operation=operation, proven=proven)
    strange = choose_code(error) == ErrorCode.NOT_AUTHENTIC
    return _reply(
        {"success": False, "errorCode": head.error_code, "errorDesc": head.error_desc},
        status=HTTPStatus.UNAUTHORIZED if strange else HTTPStatus.OK,
        headers=leaves(request, error),
    )


def _reply(
    value: dict[str, Any], *, status: HTTPStatus = HTTPStatus.OK, headers: dict[str, str] | None = None
) -> Response:
    return Response(dump_json(value), status_code=status, media_type=JSON_TYPE, headers=headers)


def _show(row: ReceivedRow) -> dict[str, str]:
    return {
        "docId": row.doc_id,
        "serviceType": row.service_type,
        "messageType": row.message_type,
        "createdTime": row.created_time,
        "updatedTime": row.updated_time,
        "from": row.from_,
        "to": row.to,
        "status": row.status,
        "statusDesc": row.status_desc,
    }


def _address(request: Request) -> str:
    return request.client.host if request.client else ""


def _prove(text: str, secret: SecretStr) -> bytes:
    key = secret.get_secret_value().encode()
    return hmac.new(key, b"bearer" + _CUT.encode() + text.encode(), hashlib.sha256).digest()


def _encode(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).decode("ascii").rstrip("=")


def _decode(text: str) -> bytes:
    return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)


_WORK: Final[tuple[tuple[str, str, Work], ...]] = (
    ("sendEdoc", "POST", _send),
    ("syncReceivedEdocList", "GET", _list_received),
    ("getEdoc", "GET", _get),
    ("updateStatus", "POST", _update_status),
    ("getAgenciesList", "GET", _list_agencies),
)
