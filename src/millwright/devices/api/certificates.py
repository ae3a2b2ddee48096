"""Routes of a device's certificates, for people."""

from __future__ import annotations

from typing import Annotated

from litestar import Controller, Response, get, post
from litestar.di import NamedDependency
from litestar.params import JSONBody, Parameter

from millwright.certificates import Certificate
from millwright.devices.api.devices import Id
from millwright.devices.certificates import (
    CertificateRequest,
    DeviceCertificates,
    EnrolmentCode,
    IssuedCertificate,
    NewCode,
    Revocation,
)
from millwright.devices.rights import DEVICES_CREDENTIAL
from millwright.parties import permit

CertificateId = Annotated[str, Parameter(description="The certificate.", max_length=64)]


class DeviceCertificatesController(Controller):
    """What a device proves itself with over TLS."""

    path = "/devices/{device_id:str}/certificates"
    tags = ["Certificates"]  # noqa: RUF012
    guards = [permit(DEVICES_CREDENTIAL)]  # noqa: RUF012

    @get("/", summary="A device's certificates", operation_id="listDeviceCertificates")
    async def list_certificates(
        self, device_id: Id, device_certificates: NamedDependency[DeviceCertificates]
    ) -> list[Certificate]:
        """The newest hundred, valid or not."""
        return await device_certificates.list(device_id)

    @post("/", summary="Issue a certificate", operation_id="issueDeviceCertificate")
    async def issue(
        self,
        device_id: Id,
        data: JSONBody[CertificateRequest],
        device_certificates: NamedDependency[DeviceCertificates],
    ) -> IssuedCertificate:
        """A certificate for the key of a request (PKCS #10). The key itself never leaves the device."""
        return await device_certificates.issue(device_id, data.request.encode())

    @get(
        "/{certificate_id:str}/pem",
        summary="A certificate as a file",
        operation_id="getDeviceCertificate",
        media_type="application/x-pem-file",
    )
    async def pem(
        self,
        device_id: Id,
        certificate_id: CertificateId,
        device_certificates: NamedDependency[DeviceCertificates],
    ) -> Response[str]:
        """The certificate and its chain in PEM, as `--cert` of MQTT clients wants them."""
        content = await device_certificates.pem(device_id, certificate_id)
        headers = {"Content-Disposition": f'attachment; filename="{certificate_id}.pem"'}
        return Response(content, media_type="application/x-pem-file", headers=headers)

    @post(
        "/{certificate_id:str}/revocation",
        summary="Revoke a certificate",
        operation_id="revokeDeviceCertificate",
        status_code=204,
    )
    async def revoke(
        self,
        device_id: Id,
        certificate_id: CertificateId,
        data: JSONBody[Revocation],
        device_certificates: NamedDependency[DeviceCertificates],
    ) -> None:
        """It opens nothing any more, within seconds; a connection made with it ends. There is no way back."""
        await device_certificates.revoke(device_id, certificate_id, data.reason)

    @post("/code", summary="Make a one-time enrolment code", operation_id="makeEnrolmentCode")
    async def code(
        self, device_id: Id, data: JSONBody[NewCode], device_certificates: NamedDependency[DeviceCertificates]
    ) -> EnrolmentCode:
        """A code with which the device gets its first certificate, once; shown this once. An unused one before ends."""
        return await device_certificates.new_code(device_id, data.hours)
