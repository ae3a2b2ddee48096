"""Opening a link: which endpoint, whether it is believed, who we are there."""

from __future__ import annotations

import asyncio
import re
import socket
from contextlib import suppress
from pathlib import Path
from typing import Final

from asyncua import Client, ua
from asyncua.crypto import security_policies, uacrypto

from millwright.devices.connectors.opcua import certificates, refusals
from millwright.devices.connectors.opcua.link import Link
from millwright.devices.connectors.opcua.settings import OpcUaSettings
from millwright.kernel import Denied, Invalid, MillwrightError, Unavailable

APPLICATION: Final = "Millwright"
_POLICIES: Final = {
    "None": security_policies.SecurityPolicyNone,
    "Basic256Sha256": security_policies.SecurityPolicyBasic256Sha256,
    "Aes128_Sha256_RsaOaep": security_policies.SecurityPolicyAes128Sha256RsaOaep,
    "Aes256_Sha256_RsaPss": security_policies.SecurityPolicyAes256Sha256RsaPss,
}


async def open_link(settings: OpcUaSettings, folder: Path) -> Link:
    """Connect, sign in and learn the server's limits.

    Raises ``Unavailable`` when nobody answers, ``Denied`` when we are refused or do not believe it, ``Invalid``.
    """
    check(settings)
    client = Client(settings.endpoint(), timeout=settings.timeout_s)
    client.name = client.description = APPLICATION
    client.product_uri = "urn:millwright:connector"
    client.session_timeout = int(settings.keep_s * 1000)
    try:
        endpoint = await _endpoint(settings)
        who = await _prepare(client, settings, endpoint, folder)
    except Exception as error:
        raise _translated(settings, error, "anybody") from error
    return await enter(Link(settings, client, who))


async def enter(link: Link, *, again: bool = False) -> Link:
    """Open the socket and the channel, and the session: a new one, or ``again`` the one that the client has."""
    client, settings = link.client, link.settings
    try:
        await _connect(client, settings, link.who, again=again)
        async with asyncio.timeout(2 * settings.timeout_s):
            await link.begin()
    except BaseException as error:
        await link.let_go()
        if isinstance(error, Exception):
            raise _translated(settings, error, link.who) from error
        raise
    return link


async def _connect(client: Client, settings: OpcUaSettings, who: str, *, again: bool) -> None:
    async with asyncio.timeout(settings.timeout_s):
        await client.connect_socket()
        await client.send_hello()
    async with asyncio.timeout(3 * settings.timeout_s):
        await _open_channel(client, settings)
        if again:
            client.uaclient.session.rebind_authentication_token()
        else:
            await client.create_session()
        try:
            await client.activate_session(
                username=settings.user or None, password=settings.password, certificate=client.user_certificate
            )
        except ua.UaStatusCodeError as error:
            name = refusals.name_of(error)
            if name in refusals.SIGN_IN:
                raise refusals.refused_sign_in(settings.endpoint(), who, name) from error
            raise


async def _open_channel(client: Client, settings: OpcUaSettings) -> None:
    try:
        await client.open_secure_channel()
    except AssertionError as error:
        # Instead of keys came a fault without a signature, which the library does not read: a refusal all the same.
        raise _not_trusted(settings.endpoint(), "it answers without keys") from error


def _not_trusted(url: str, status: str) -> Denied:
    return Denied(
        f"{url} does not accept our certificate ({status}).",
        code="connectors.opcua_not_trusted_there",
        hint="On the server, move our certificate from the rejected to the trusted ones, then try again.",
        detail={"status": status},
    )


def check(settings: OpcUaSettings) -> certificates.Trust:
    """Look at everything that can be wrong before there is a connection. Raises ``Invalid``."""
    settings.host_port()
    for certificate, key, name in (
        (settings.certificate, settings.key, "certificate"),
        (settings.user_certificate, settings.user_key, "user_certificate"),
    ):
        if bool(certificate) != bool(key):
            raise Invalid(
                f"Of {name} and its private key only one is given.",
                code="connectors.opcua_certificate",
                hint="Give both as PEM, or none.",
            )
    if settings.user and settings.user_certificate:
        raise Invalid(
            "A user name and a user certificate are given.",
            code="connectors.opcua_identity",
            hint="Sign in with one of them; remove the other from the settings.",
        )
    if settings.password and not settings.user:
        raise Invalid(
            "There is a password without a user name.",
            code="connectors.opcua_identity",
            hint="Give the setting `user` too, or remove the password.",
        )
    return certificates.Trust(settings.trusted)


async def offered(url: str, timeout_s: float) -> list[ua.EndpointDescription]:
    """The endpoints that a server offers, asked without a session. Raises what the library raises."""
    client = Client(url, timeout=timeout_s)
    async with asyncio.timeout(2 * timeout_s):
        try:
            await client.connect_socket()
            await client.send_hello()
            await client.open_secure_channel()
            found: list[ua.EndpointDescription] = await client.get_endpoints()
            with suppress(Exception):
                await client.close_secure_channel()
            return found
        finally:
            with suppress(Exception):
                client.disconnect_socket()


def policy_name(uri: str | None) -> str:
    """The short name of a policy's URI."""
    return (uri or "").rpartition("#")[2] or "None"


def describe(endpoint: ua.EndpointDescription) -> str:
    """An endpoint in a word, as in ``Basic256Sha256/SignAndEncrypt``."""
    name = policy_name(endpoint.SecurityPolicyUri)
    return "None" if name == "None" else f"{name}/{endpoint.SecurityMode.name}"


async def _endpoint(settings: OpcUaSettings) -> ua.EndpointDescription:
    """The endpoint that the settings mean. Raises ``Denied`` (``connectors.opcua_security_not_offered``)."""
    endpoints = await offered(settings.endpoint(), settings.timeout_s)
    policy = _POLICIES[settings.security]
    mode = ua.MessageSecurityMode.None_ if settings.security == "None" else ua.MessageSecurityMode[settings.mode]
    for endpoint in endpoints:
        if endpoint.SecurityPolicyUri == policy.URI and endpoint.SecurityMode == mode:
            return endpoint
    has = ", ".join(sorted({describe(endpoint) for endpoint in endpoints})) or "nothing"
    raise Denied(
        f"{settings.endpoint()} does not offer {settings.security}"
        f"{'' if settings.security == 'None' else '/' + settings.mode}; it offers {has}.",
        code="connectors.opcua_security_not_offered",
        hint="Set `security` and `mode` to something that the server offers, or allow more on the server.",
        detail={"offered": has},
    )


async def _prepare(client: Client, settings: OpcUaSettings, endpoint: ua.EndpointDescription, folder: Path) -> str:
    """Give the client its policy and its user; returns who that is, for messages."""
    who = _check_user(settings, endpoint)
    client.application_uri = f"urn:{re.sub('[^A-Za-z0-9.-]', '-', socket.gethostname())}:millwright"
    if settings.security != "None":
        ours = await _ours(settings, folder)
        client.application_uri = ours.uri or client.application_uri
        server = uacrypto.x509_from_der(endpoint.ServerCertificate)
        if server is None:
            raise Denied(
                f"{settings.endpoint()} offers encryption without a certificate.",
                code="connectors.opcua_no_certificate",
                hint="Give the server a certificate.",
            )
        certificates.Trust(settings.trusted).check(server, settings.endpoint())
        await client.set_security(
            _POLICIES[settings.security],
            ours.certificate_der,
            ours.key_der,
            server_certificate=uacrypto.CertProperties(uacrypto.der_from_x509(server)),
            mode=ua.MessageSecurityMode[settings.mode],
        )
    if settings.user_certificate:
        user = certificates.pair(settings.user_certificate, settings.user_key, "user certificate")
        client.user_certificate, client.user_private_key = user.certificate, user.key
    return who


async def _ours(settings: OpcUaSettings, folder: Path) -> certificates.Pair:
    if settings.certificate:
        return certificates.pair(settings.certificate, settings.key, "application certificate")
    try:
        return await asyncio.to_thread(certificates.own, folder)
    except OSError as error:
        raise Unavailable(
            f"The application certificate cannot be kept in {folder}: {error}.",
            code="connectors.opcua_certificate_folder",
            hint="Make the folder writable, or give a certificate and a key in the settings.",
        ) from error


def _check_user(settings: OpcUaSettings, endpoint: ua.EndpointDescription) -> str:
    kind, who = ua.UserTokenType.Anonymous, "anonymous users"
    if settings.user_certificate:
        kind, who = ua.UserTokenType.Certificate, "the user certificate"
    elif settings.user:
        kind, who = ua.UserTokenType.UserName, f"the user {settings.user!r}"
    tokens = [token for token in endpoint.UserIdentityTokens or [] if token.TokenType == kind]
    if not tokens and endpoint.UserIdentityTokens:
        raise refusals.refused_sign_in(settings.endpoint(), who, "it offers no such way to sign in")
    if kind == ua.UserTokenType.UserName and settings.password and not settings.plain_password:
        policy = (tokens[0].SecurityPolicyUri if tokens else None) or endpoint.SecurityPolicyUri
        encrypted = settings.security != "None" and settings.mode == "SignAndEncrypt"
        if policy_name(policy) == "None" and not encrypted:
            raise Denied(
                f"{settings.endpoint()} would get the password in plain text.",
                code="connectors.opcua_plain_password",
                hint="Choose a `security` other than None, or set `plain_password` if everyone on the way may read it.",
            )
    return who


def _translated(settings: OpcUaSettings, error: Exception, who: str) -> MillwrightError:
    url = settings.endpoint()
    if isinstance(error, MillwrightError):
        return error
    name = refusals.name_of(error)
    if name in refusals.SIGN_IN:
        return refusals.refused_sign_in(url, who, name)
    if name in refusals.OUR_CERTIFICATE:
        return _not_trusted(url, name)
    if isinstance(error, TimeoutError):
        return refusals.silent(url, settings.timeout_s)
    if isinstance(error, OSError):
        return Unavailable(
            f"Nothing can be reached at {url}: {error.strerror or str(error) or type(error).__name__}.",
            code="connectors.opcua_unreachable",
            hint="See whether the server runs, whether host and port are right, and whether a firewall stands between. "
            "A secure server that hangs up without a word does not trust our certificate.",
        )
    return refusals.of_session(url, error, settings.timeout_s)
