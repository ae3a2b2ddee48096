"""Routes of authorities, certificates and revocation lists below ``/api/v1``."""

from __future__ import annotations

import asyncio
from typing import Annotated, TypeVar

from litestar import Controller, Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromQuery, JSONBody, Parameter

from millwright.certificates.authority import CertificateAuthority
from millwright.certificates.model import Authority, AuthorityImport, CertificatePage, Kind, State
from millwright.certificates.rights import AUTHORITIES_MANAGE, AUTHORITIES_READ, CERTIFICATES_READ
from millwright.parties import permit

Content = TypeVar("Content", str, bytes)
PEM = "application/x-pem-file"


class CertificatesController(Controller):
    """The authority and what it issued."""

    path = "/certificates"
    tags = ["Certificates"]  # noqa: RUF012

    @get("/authorities", summary="Authorities", operation_id="listAuthorities", guards=[permit(AUTHORITIES_READ)])
    async def list_authorities(self, certificate_authority: NamedDependency[CertificateAuthority]) -> list[Authority]:
        """Roots and issuing authorities, newest first; no private key is ever shown."""
        return await asyncio.to_thread(certificate_authority.store.authorities)

    @post(
        "/authorities",
        summary="Make an authority",
        operation_id="makeAuthority",
        guards=[permit(AUTHORITIES_MANAGE)],
    )
    async def make(self, certificate_authority: NamedDependency[CertificateAuthority]) -> list[Authority]:
        """A new issuing authority (with its root, where there is none) signs from now on; certificates stay valid."""
        current = await asyncio.to_thread(certificate_authority.store.find_active)
        await asyncio.to_thread(certificate_authority.make, replaces=current["id"] if current else None)
        return await asyncio.to_thread(certificate_authority.store.authorities)

    @post(
        "/authorities/import",
        summary="Use an authority of your own",
        operation_id="importAuthority",
        guards=[permit(AUTHORITIES_MANAGE)],
    )
    async def take(
        self, data: JSONBody[AuthorityImport], certificate_authority: NamedDependency[CertificateAuthority]
    ) -> list[Authority]:
        """It signs from now on; its key is kept sealed. What the one before issued stays valid."""
        await asyncio.to_thread(certificate_authority.take, data)
        return await asyncio.to_thread(certificate_authority.store.authorities)

    @get("/root", summary="The root certificate", operation_id="getRoot", media_type=PEM, security=[{}])
    async def root(self, certificate_authority: NamedDependency[CertificateAuthority]) -> Response[str]:
        """What devices and browsers trust to know this node, in PEM. Public, as every root is."""
        return _file(await asyncio.to_thread(certificate_authority.roots), "millwright-root.pem", PEM)

    @get(
        "/crl/{authority_id:str}",
        summary="A revocation list",
        operation_id="getRevocationList",
        security=[{}],
        media_type="application/pkix-crl",
    )
    async def revocation_list(
        self,
        authority_id: Annotated[str, Parameter(description="The authority.", max_length=64)],
        certificate_authority: NamedDependency[CertificateAuthority],
    ) -> Response[bytes]:
        """The authority's CRL in DER (RFC 5280), valid for a week. Public, as every CRL is."""
        found = await asyncio.to_thread(certificate_authority.revocations, authority_id)
        return _file(found, f"{authority_id}.crl", "application/pkix-crl")

    @get("/", summary="Certificates issued", operation_id="listCertificates", guards=[permit(CERTIFICATES_READ)])
    async def list_certificates(
        self,
        certificate_authority: NamedDependency[CertificateAuthority],
        kind: FromQuery[Kind | None] = None,
        status: FromQuery[State | None] = None,
        cursor: Annotated[str | None, Parameter(description="`next` of the page before.", max_length=64)] = None,
        limit: Annotated[int, Parameter(ge=1, le=1000)] = 100,
    ) -> CertificatePage:
        """Certificates of devices and nodes, newest first."""
        return await asyncio.to_thread(certificate_authority.page, kind, None, status, cursor=cursor, limit=limit)


def _file(content: Content, name: str, media_type: str) -> Response[Content]:
    headers = {"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "public, max-age=300"}
    return Response(content, media_type=media_type, headers=headers)


ROUTES = [CertificatesController]
"""What the web host mounts."""
