"""Routes by which a device gets its certificate itself: in JSON, and as RFC 7030 (EST) has it.

The device proves itself by HTTP Basic: its name, its id or nothing as user, its token or a one-time code as password;
or by ``Authorization: Bearer`` with either. A renewal is proved by the certificate the device has: the web server's TLS
does not ask for client certificates, so the new request is signed with the old key instead.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
from typing import Any

from litestar import Controller, Request, Response, get, post
from litestar.di import NamedDependency
from litestar.params import JSONBody

from millwright.certificates import pkcs7_certificates
from millwright.devices.certificates import CertificateRequest, DeviceCertificates, IssuedCertificate, Renewal

_PKCS7 = "application/pkcs7-mime"
_PUBLIC: list[dict[str, list[str]]] = [{}]


class EnrolmentController(Controller):
    """Enrolment in JSON."""

    path = "/enrolment"
    tags = ["Certificates"]  # noqa: RUF012
    security = _PUBLIC

    @post("/", summary="Get a first certificate", operation_id="enrol")
    async def enrol(
        self,
        request: Request[Any, Any, Any],
        data: JSONBody[CertificateRequest],
        device_certificates: NamedDependency[DeviceCertificates],
    ) -> IssuedCertificate:
        """For devices: HTTP Basic with the device's name and its token or a one-time code."""
        return await device_certificates.enrol(*_presented(request), data.request.encode())

    @post("/renewal", summary="Get the next certificate", operation_id="renew")
    async def renew(
        self, data: JSONBody[Renewal], device_certificates: NamedDependency[DeviceCertificates]
    ) -> IssuedCertificate:
        """For devices: the new request, signed with the key of a certificate that is still valid and stays so."""
        return await device_certificates.renew(data)


class EstController(Controller):
    """Enrolment over Secure Transport (RFC 7030), the parts that devices use."""

    path = "/.well-known/est"
    tags = ["Certificates"]  # noqa: RUF012
    security = _PUBLIC

    @get("/cacerts", summary="EST: the authorities", operation_id="estCacerts", media_type=_PKCS7)
    async def authorities(self, device_certificates: NamedDependency[DeviceCertificates]) -> Response[bytes]:
        """Every authority that is valid, as certs-only PKCS #7 in base64 (4.1)."""
        await asyncio.to_thread(device_certificates.authority.roots)
        return _answer(await asyncio.to_thread(device_certificates.authority.trusted))

    @post("/simpleenroll", summary="EST: enrol", operation_id="estEnrol", status_code=200, media_type=_PKCS7)
    async def enrol(
        self, request: Request[Any, Any, Any], device_certificates: NamedDependency[DeviceCertificates]
    ) -> Response[bytes]:
        """A request as `application/pkcs10`, in base64 or PEM; answered with the certificate as PKCS #7 (4.2)."""
        return await self._enrol(request, device_certificates)

    @post("/simplereenroll", summary="EST: enrol again", operation_id="estReenrol", status_code=200, media_type=_PKCS7)
    async def reenrol(
        self, request: Request[Any, Any, Any], device_certificates: NamedDependency[DeviceCertificates]
    ) -> Response[bytes]:
        """The same for the next certificate (4.2.2), by token or code; else `POST /api/v1/enrolment/renewal`."""
        return await self._enrol(request, device_certificates)

    @staticmethod
    async def _enrol(request: Request[Any, Any, Any], device_certificates: DeviceCertificates) -> Response[bytes]:
        made = await device_certificates.enrol(*_presented(request), await request.body())
        return _answer([made.certificate])


def _answer(pems: list[str]) -> Response[bytes]:
    headers = {"Content-Transfer-Encoding": "base64"}
    return Response(pkcs7_certificates(pems), media_type=_PKCS7, headers=headers)


def _presented(request: Request[Any, Any, Any]) -> tuple[str, str]:
    """User and password of a request; empty when there are none that can be read."""
    scheme, _, value = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer":
        return "", value.strip()
    if scheme.lower() != "basic":
        return "", ""
    try:
        user, _, password = base64.b64decode(value.strip(), validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return "", ""
    return user, password


WELL_KNOWN = [EstController]
"""What the web host mounts at the root."""
