"""What a machine keeps from having joined: which edge it is, of whom, and how its broker gets in."""

from __future__ import annotations

import ssl
from pathlib import Path

import msgspec
from msgspec import Struct

from millwright.devices.edge.model import Joined, JoinRequest
from millwright.engines.nats import LeafRemote, new_user_key
from millwright.kernel import Conflict, Corrupt, MillwrightError, Unavailable
from millwright.kernel.errors import Denied, Invalid, Unsupported
from millwright.kernel.files import write_whole

FILE = "edge.json"
CA = "edge-ca.pem"


class Membership(Struct, frozen=True, kw_only=True):
    """The file ``edge.json`` in the data folder, readable by its owner alone. ``seed`` is the edge's secret (NKEY), and
    ``seal`` the one that opens what the parent seals for it (X25519)."""

    parent: str
    edge_id: str
    name: str
    organisation: str
    urls: list[str]
    seed: str
    ca: str = ""
    signers: list[str] = []
    seal: str = ""


def find_membership(folder: Path) -> Membership | None:
    """Whose edge the node on this folder is, or ``None``. Raises ``Corrupt`` (``devices.edge_file``)."""
    path = folder / FILE
    try:
        return msgspec.json.decode(path.read_bytes(), type=Membership)
    except FileNotFoundError:
        return None
    except (OSError, msgspec.MsgspecError) as error:
        raise Corrupt(
            f"{path} cannot be read: {error}",
            code="devices.edge_file",
            hint="Make a new code for the edge at the parent and join again with --again.",
        ) from error


def remote_of(membership: Membership, folder: Path) -> LeafRemote:
    """How the edge's broker gets in at the parent's."""
    return LeafRemote(tuple(membership.urls), membership.seed, str(folder / CA) if membership.ca else "")


def join(parent: str, code: str, folder: Path, *, ca: Path | None = None, again: bool = False) -> Membership:
    """Join ``parent`` with a one-time code and keep what that gives in ``folder``.

    Raises ``Conflict`` (``devices.edge_joined``) when it joined before and not ``again``, ``Denied``
    (``devices.edge_code_wrong``), ``Unsupported`` (``devices.edges_closed``), ``Unavailable``
    (``devices.edge_parent_away``).
    """
    known = None if again else find_membership(folder)
    if known is not None:
        raise Conflict(
            f"This folder is already the edge {known.name} of {known.parent}.",
            code="devices.edge_joined",
            hint="Use another folder with --data, or --again to join with a new code.",
        )
    from millwright.devices.edge.sealing import new_seal_key  # cryptography is not needed by who only reads the file

    seed, public_key = new_user_key()
    seal, seal_key = new_seal_key()
    request = JoinRequest(code=code, public_key=public_key, seal_key=seal_key)
    joined = _ask(parent.rstrip("/"), request, ca)
    made = Membership(
        parent=parent.rstrip("/"),
        edge_id=joined.edge_id,
        name=joined.name,
        organisation=joined.organisation,
        urls=joined.urls,
        seed=seed,
        ca=joined.ca,
        signers=joined.signers,
        seal=seal,
    )
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    if joined.ca:
        (folder / CA).write_text(joined.ca)
    write_whole(folder / FILE, msgspec.json.encode(made), private=True, durable=True)
    return made


class _Problem(Struct):
    code: str = ""
    detail: str = ""
    hint: str = ""


def _ask(parent: str, request: JoinRequest, ca: Path | None) -> Joined:
    import httpx

    if not parent.startswith(("http://", "https://")):
        raise Invalid(
            f"{parent!r} is no address of a node.",
            code="devices.edge_parent_invalid",
            hint="Write it as the parent shows it: https://HOST or http://HOST:PORT.",
        )
    try:
        with httpx.Client(verify=_trust(ca), trust_env=False, timeout=20) as http:
            answer = http.post(f"{parent}/api/v1/edge-joining", content=msgspec.json.encode(request),
                               headers={"Content-Type": "application/json"})  # fmt: skip
    except (httpx.HTTPError, OSError, ValueError) as error:
        raise Unavailable(
            f"{parent} does not answer: {str(error) or type(error).__name__}",
            code="devices.edge_parent_away",
            hint="Check address and network. For a parent with a certificate of its own give its root with --ca.",
        ) from error
    try:
        if answer.status_code in (200, 201):
            return msgspec.json.decode(answer.content, type=Joined)
        raise _refusal(answer.status_code, msgspec.json.decode(answer.content, type=_Problem))
    except msgspec.MsgspecError as error:
        raise Unavailable(
            f"{parent} does not answer as a node does.",
            code="devices.edge_parent_away",
            hint="Check that the address is that of the parent's console.",
        ) from error


def _trust(ca: Path | None) -> ssl.SSLContext | bool:

    return ssl.create_default_context(cafile=str(ca)) if ca is not None else True


def _refusal(status: int, problem: _Problem) -> MillwrightError:
    kind: type[MillwrightError] = {400: Invalid, 403: Denied, 422: Unsupported}.get(status, Unavailable)
    return kind(
        problem.detail or f"Refused ({status}).", code=problem.code or "devices.edge_parent_away", hint=problem.hint
    )
