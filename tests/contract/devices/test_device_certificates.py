"""Certificates of devices: asked for, refused with reasons, renewed, revoked; looked at with ``openssl``."""

from __future__ import annotations

import base64
from pathlib import Path

import pytest
import sqlalchemy as sa

from millwright import approvals, cases, certificates, devices, identity, parties
from millwright.certificates import AuthorityImport, CertificateAuthority, CertificatesSettings, device_uri
from millwright.certificates.tables import authorities
from millwright.devices import DeviceChange, DevicesService, NewCredential, NewDevice
from millwright.devices.certificates import DeviceCertificates, Renewal
from millwright.engines import secrets
from millwright.engines.secrets import Rotation, SecretsSettings, open_secrets
from millwright.engines.sql import Records
from millwright.kernel import Denied, Invalid, LimitExceeded, ManualClock, MillwrightError, SystemClock
from millwright.parties import NotSignedIn
from support.bus import LocalBus
from support.certificates import make_authority, make_request, openssl

DOMAINS = (secrets, parties, cases, certificates, approvals, devices, identity)
MIGRATIONS = [Path(each.__file__).parent / "migrations" for each in DOMAINS]


@pytest.fixture
def clock() -> ManualClock:
    # Of today, because openssl judges by the machine's clock.
    return ManualClock(SystemClock().now_ms())


@pytest.fixture
def authority(records: Records, tmp_path: Path, clock: ManualClock) -> CertificateAuthority:
    sealed = open_secrets(SecretsSettings(), records, tmp_path, clock)
    sealed.prepare()
    return CertificateAuthority(records, sealed, clock, CertificatesSettings(per_device=3))


@pytest.fixture
def service(records: Records, clock: ManualClock) -> DevicesService:
    return DevicesService(records, LocalBus(), clock)


@pytest.fixture
def held(
    authority: CertificateAuthority, records: Records, service: DevicesService, clock: ManualClock
) -> DeviceCertificates:
    return DeviceCertificates(authority, records, records, service.changes, clock)


async def add(service: DevicesService, name: str = "pump-7") -> str:
    return (await service.registry.create(NewDevice(name=name))).id


async def refusal(held: DeviceCertificates, device_id: str, request: str) -> MillwrightError:
    with pytest.raises(MillwrightError) as caught:
        await held.issue(device_id, request.encode())
    return caught.value


@pytest.mark.parametrize("kind", ["ec", "rsa", "ed25519"])
async def test_openssl_believes_the_certificate_until_it_is_revoked(
    kind: str, held: DeviceCertificates, service: DevicesService, tmp_path: Path
) -> None:
    device_id = await add(service)
    made = await held.issue(device_id, make_request(tmp_path, kind=kind).encode())
    leaf, chain, root = tmp_path / "leaf.pem", tmp_path / "chain.pem", tmp_path / "root.pem"
    leaf.write_text(made.certificate)
    chain.write_text(made.chain)
    root.write_text(held.authority.roots())
    text = openssl("x509", "-in", str(leaf), "-noout", "-text")
    assert f"URI:{device_uri(device_id)}" in text
    assert f"CN={device_id}" in text.replace("CN = ", "CN=")
    assert "TLS Web Client Authentication" in text
    assert "TLS Web Server" not in text
    assert "CA:FALSE" in text

    def verify() -> str:
        crl = tmp_path / "crl.pem"
        openssl(
            *("crl", "-inform", "DER", "-out", str(crl)),
            stdin=held.authority.revocations(made.issued.authority_id),
        )
        arguments = ["-CAfile", str(root), "-untrusted", str(chain), "-CRLfile", str(crl), "-crl_check"]
        return openssl("verify", "-x509_strict", "-purpose", "sslclient", *arguments, str(leaf), check=False)

    assert verify().strip().endswith("leaf.pem: OK")
    await held.revoke(device_id, made.issued.id, "key_compromise")
    assert "certificate revoked" in verify()
    assert [each.state for each in await held.list(device_id)] == ["revoked"]
    await held.revoke(device_id, made.issued.id, "superseded")
    assert (await held.list(device_id))[0].reason == "key_compromise"
    assert (await refusal(held, device_id, (tmp_path / "device.csr").read_text())).code == "certificates.key_reused"


async def test_bad_requests_are_refused_with_a_reason(
    held: DeviceCertificates, service: DevicesService, tmp_path: Path
) -> None:
    device_id, other = await add(service), await add(service, "pump-8")
    good = make_request(tmp_path)

    async def code(request: str) -> str:
        return (await refusal(held, device_id, request)).code

    assert await code("") == "certificates.request_malformed"
    assert await code("-----BEGIN CERTIFICATE REQUEST-----\nAAAA\n-----END CERTIFICATE REQUEST-----\n") == (
        "certificates.request_malformed"
    )
    assert await code(good + good) == "certificates.request_malformed"
    assert await code("x" * 20_000) == "certificates.request_too_large"
    der = bytearray(base64.b64decode("".join(good.splitlines()[1:-1])))
    der[-3] ^= 1
    assert await code(base64.b64encode(der).decode()) == "certificates.request_signature"
    assert await code(make_request(tmp_path, "foreign", subject="/CN=pump-8")) == "certificates.subject_foreign"
    assert await code(make_request(tmp_path, "glyph", subject="/CN=рump-7")) == "certificates.subject_foreign"
    foreign = ("-addext", f"subjectAltName=URI:{device_uri(other)}")
    assert await code(make_request(tmp_path, "san", *foreign)) == "certificates.subject_foreign"
    wild = ("-addext", "subjectAltName=DNS:*.example.com")
    assert await code(make_request(tmp_path, "wild", *wild)) == "certificates.subject_foreign"
    ca = ("-addext", "basicConstraints=critical,CA:TRUE")
    assert await code(make_request(tmp_path, "ca", *ca)) == "certificates.extension_forbidden"
    sign = ("-addext", "keyUsage=keyCertSign")
    assert await code(make_request(tmp_path, "sign", *sign)) == "certificates.extension_forbidden"
    openssl("genrsa", "-out", str(tmp_path / "weak.key"), "1024")
    weak = openssl("req", "-new", "-key", str(tmp_path / "weak.key"), "-subj", "/")
    assert await code(weak) == "certificates.key_weak"
    openssl("ecparam", "-name", "secp256k1", "-genkey", "-noout", "-out", str(tmp_path / "k1.key"))
    assert await code(openssl("req", "-new", "-key", str(tmp_path / "k1.key"), "-subj", "/")) == "certificates.key_weak"
    openssl("ecparam", "-name", "SM2", "-genkey", "-noout", "-out", str(tmp_path / "sm2.key"))
    sm2 = openssl("req", "-new", "-sm3", "-key", str(tmp_path / "sm2.key"), "-subj", "/")
    assert await code(sm2) == "certificates.key_unsupported"
    sha1 = openssl("req", "-new", "-sha1", "-key", str(tmp_path / "device.key"), "-subj", "/")
    assert await code(sha1) == "certificates.request_signature"

    await held.issue(device_id, make_request(tmp_path, "named", subject="/O=anybody/CN=pump-7").encode())
    await held.issue(other, good.encode())
    assert await code(good) == "certificates.key_reused"


async def test_a_code_works_once_and_is_not_burnt_by_a_bad_request(
    held: DeviceCertificates, service: DevicesService, tmp_path: Path, clock: ManualClock
) -> None:
    device_id = await add(service)
    code = (await held.new_code(device_id, None)).code
    with pytest.raises(Invalid):
        await held.enrol("", code, b"nonsense")
    with pytest.raises(NotSignedIn):
        await held.enrol("pump-8", code, make_request(tmp_path).encode())
    made = await held.enrol("PUMP-7", code, make_request(tmp_path).encode())
    assert (made.issued.subject_id, made.issued.origin) == (device_id, "code")
    with pytest.raises(NotSignedIn):
        await held.enrol("", code, make_request(tmp_path, "second").encode())
    first, second = (await held.new_code(device_id, 1)).code, (await held.new_code(device_id, 1)).code
    with pytest.raises(NotSignedIn):
        await held.enrol("", first, make_request(tmp_path, "second").encode())
    clock.advance(3601)
    with pytest.raises(NotSignedIn):
        await held.enrol("", second, make_request(tmp_path, "second").encode())


async def test_a_token_enrols_its_own_device_while_that_is_enabled(
    held: DeviceCertificates, service: DevicesService, tmp_path: Path
) -> None:
    device_id = await add(service)
    token = (await service.credentials.issue(device_id, NewCredential())).token
    made = await held.enrol(device_id, token, make_request(tmp_path).encode())
    assert made.issued.origin == "token"
    # A certificate is listed with the certificates, and is not a token.
    assert [each.origin for each in await service.credentials.list(device_id)] == ["issued"]
    await service.registry.change(device_id, DeviceChange(disabled=True))
    for secret in (token, "", "mwd_unknown"):
        with pytest.raises(NotSignedIn):
            await held.enrol("", secret, make_request(tmp_path, "second").encode())


async def test_renewal_is_proved_by_the_certificate_at_hand(
    held: DeviceCertificates, service: DevicesService, tmp_path: Path, clock: ManualClock
) -> None:
    device_id = await add(service)
    first = await held.issue(device_id, make_request(tmp_path, "old").encode())
    request = make_request(tmp_path, "new")

    def renewal(by: str = "old", certificate: str = first.certificate) -> Renewal:
        (tmp_path / "new.csr").write_text(request)
        openssl(
            *("dgst", "-sha256", "-sign", str(tmp_path / f"{by}.key"), "-out", str(tmp_path / "signature")),
            str(tmp_path / "new.csr"),
        )
        signature = base64.encodebytes((tmp_path / "signature").read_bytes()).decode()
        return Renewal(request=request, certificate=certificate, signature=signature)

    with pytest.raises(Denied, match="not signed by"):
        await held.renew(renewal("new"))
    second = await held.renew(renewal())
    assert second.issued.origin == "renewal"
    assert [each.state for each in await held.list(device_id)] == ["valid", "valid"]
    # Played again by whoever listened: nothing new is made.
    assert (await held.renew(renewal())).issued.id == second.issued.id

    foreign, _ = make_authority(tmp_path)
    with pytest.raises(Denied):
        await held.renew(renewal("ours", foreign))
    await held.revoke(device_id, first.issued.id, "superseded")
    with pytest.raises(Denied, match="not a valid one"):
        await held.renew(renewal())
    clock.advance(400 * 86_400)
    with pytest.raises(Denied, match="not a valid one"):
        await held.renew(renewal("new", second.certificate))


async def test_a_device_holds_only_so_many_and_takes_them_along_when_it_goes(
    held: DeviceCertificates, service: DevicesService, tmp_path: Path, clock: ManualClock
) -> None:
    device_id = await add(service)
    for number in range(3):
        last = await held.issue(device_id, make_request(tmp_path, f"k{number}").encode())
    with pytest.raises(LimitExceeded) as caught:
        await held.issue(device_id, make_request(tmp_path, "k3").encode())
    assert "[certificates] per_device" in caught.value.hint
    clock.advance(366 * 86_400)
    code = (await held.new_code(device_id, 1)).code
    await held.enrol("", code, make_request(tmp_path, "k4").encode())
    await service.registry.delete(device_id)
    revoked = held.authority.store.revoked(last.issued.authority_id)
    assert [reason for _, _, reason in revoked] == ["cessation_of_operation"] * 4
    with pytest.raises(NotSignedIn):
        await held.enrol("", code, make_request(tmp_path, "k5").encode())


async def test_an_authority_of_ones_own_signs_from_then_on(
    held: DeviceCertificates, service: DevicesService, tmp_path: Path, clock: ManualClock
) -> None:
    device_id = await add(service)
    before = await held.issue(device_id, make_request(tmp_path, "before").encode())
    certificate, key = make_authority(tmp_path)
    clock.jump((SystemClock().now_ms() - clock.now_ms()) / 1000)  # openssl dates it by the machine's clock
    for wrong in (
        AuthorityImport(certificate=certificate, key=(tmp_path / "before.key").read_text()),
        AuthorityImport(certificate=before.certificate, key=(tmp_path / "before.key").read_text()),
        AuthorityImport(certificate="nothing", key=key),
        AuthorityImport(certificate=certificate, key="nothing"),
        AuthorityImport(certificate=certificate + before.chain, key=key),
    ):
        with pytest.raises(Invalid) as caught:
            held.authority.take(wrong)
        assert caught.value.code == "certificates.authority_invalid"
        assert "PRIVATE" not in str(caught.value.to_dict())
    held.authority.take(AuthorityImport(certificate=certificate, key=key))
    after = await held.issue(device_id, make_request(tmp_path, "after").encode())
    assert after.issued.authority_id != before.issued.authority_id
    assert held.authority.roots() == certificate
    trusted = tmp_path / "trusted.pem"
    trusted.write_text("".join(held.authority.trusted()))
    for made in (before, after):
        leaf = tmp_path / "leaf.pem"
        leaf.write_text(made.certificate)
        assert "OK" in openssl("verify", "-CAfile", str(trusted), str(leaf))


async def test_the_authoritys_key_is_sealed_and_survives_a_rotation(
    held: DeviceCertificates, service: DevicesService, records: Records, tmp_path: Path, clock: ManualClock
) -> None:
    device_id = await add(service)
    await held.issue(device_id, make_request(tmp_path, "a").encode())

    def keys() -> list[str]:
        with records.read() as connection:
            return list(connection.scalars(sa.select(authorities.c.key)))

    before = keys()
    assert all(key.startswith("sealed1.") for key in before)
    rotation = Rotation(records, open_secrets(SecretsSettings(), records, tmp_path, clock), clock)
    rotation.begin()
    assert rotation.finish().resealed == len(before) == 2
    assert not set(before) & set(keys())
    await held.issue(device_id, make_request(tmp_path, "b").encode())


async def test_an_authority_is_followed_by_another_before_it_cuts_certificates_short(
    held: DeviceCertificates, service: DevicesService, tmp_path: Path, clock: ManualClock
) -> None:
    device_id = await add(service)
    first = await held.issue(device_id, make_request(tmp_path, "a").encode())
    clock.advance(3650 * 86_400 - 364 * 86_400)
    second = await held.issue(device_id, make_request(tmp_path, "b").encode())
    assert second.issued.authority_id != first.issued.authority_id
    assert second.issued.not_after_ms - clock.now_ms() > 364 * 86_400_000


async def test_two_processes_make_one_authority(
    authority: CertificateAuthority, records: Records, tmp_path: Path, clock: ManualClock
) -> None:
    another = CertificateAuthority(
        records, open_secrets(SecretsSettings(), records, tmp_path, clock), clock, CertificatesSettings()
    )
    assert authority.make(replaces=None)
    assert not another.make(replaces=None)
    assert another.ensure()["id"] == authority.ensure()["id"]
    assert len(authority.store.authorities()) == 2
