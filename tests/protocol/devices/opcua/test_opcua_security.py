"""Certificates, policies and users, against a server that has all of them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa

from millwright.devices.connectors.opcua import OpcUaConnector, OpcUaSettings
from millwright.devices.connectors.opcua.certificates import fingerprint
from millwright.kernel import Denied, Invalid, Unavailable
from support.opcua import RunningServer, certificate, pem, server_files

POLICIES = ["Basic256Sha256", "Aes128_Sha256_RsaOaep", "Aes256_Sha256_RsaPss"]
COUNT = "nsu=urn:example:plant;s=Count"

Made = tuple[x509.Certificate, rsa.RSAPrivateKey]


@pytest.fixture(scope="module")
def authority() -> Made:
    return certificate("Works authority", "urn:example:authority", authority=True)


@pytest.fixture(scope="module")
def identity(authority: Made) -> Made:
    return certificate("Example press", "urn:example:server", issuer=authority)


@pytest.fixture(scope="module")
def secure(identity: Made, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    folder = tmp_path_factory.mktemp("server")
    server_files(folder, identity)
    with RunningServer(folder=str(folder), anonymous=True) as server:
        yield server


async def value(connector: OpcUaConnector, settings: OpcUaSettings) -> object:
    session = await connector.open(settings)
    try:
        (sample,) = await session.read([COUNT])
        return sample.value
    finally:
        await session.close()


@pytest.mark.parametrize("policy", POLICIES)
@pytest.mark.parametrize("mode", ["Sign", "SignAndEncrypt"])
async def test_every_policy(
    secure: RunningServer, connector: OpcUaConnector, identity: Made, policy: str, mode: str
) -> None:
    settings = OpcUaSettings(url=secure.url, security=policy, mode=mode, trusted=(pem(identity[0]),))  # type: ignore[arg-type]
    assert await value(connector, settings) == 7
    signed_in = OpcUaSettings(
        url=secure.url, security=policy, mode=mode, trusted=(pem(identity[0]),), user="operator", password="right"  # type: ignore[arg-type]
    )  # fmt: skip
    assert await value(connector, signed_in) == 7


async def test_our_own_certificate_is_made_once_and_kept(
    secure: RunningServer, connector: OpcUaConnector, identity: Made
) -> None:
    settings = OpcUaSettings(url=secure.url, security="Basic256Sha256", trusted=(pem(identity[0]),))
    await value(connector, settings)
    (file,) = list(Path(connector.folder).iterdir())
    assert file.stat().st_mode & 0o077 == 0
    text = file.read_bytes()
    await value(connector, settings)
    assert file.read_bytes() == text
    ours = x509.load_pem_x509_certificate(text)
    names = ours.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.UniformResourceIdentifier)[0].startswith("urn:")


async def test_trust_by_certificate_fingerprint_or_authority(
    secure: RunningServer, connector: OpcUaConnector, identity: Made, authority: Made
) -> None:
    sha256 = fingerprint(identity[0])
    sha1 = identity[0].fingerprint(hashes.SHA1()).hex()
    colons = ":".join(sha256[place : place + 2] for place in range(0, 64, 2)).lower()
    for entry in (sha256, colons, sha1, pem(identity[0]), pem(authority[0])):
        assert await value(connector, OpcUaSettings(url=secure.url, security="Basic256Sha256", trusted=(entry,))) == 7


async def test_an_untrusted_server_is_told_with_its_fingerprint(
    secure: RunningServer, connector: OpcUaConnector, identity: Made
) -> None:
    stranger, _ = certificate("Works authority", "urn:example:authority", authority=True)
    for trusted in ((), (pem(stranger),), ("00" * 32,)):
        with pytest.raises(Denied) as caught:
            await connector.open(OpcUaSettings(url=secure.url, security="Basic256Sha256", trusted=trusted))
        assert caught.value.code == "connectors.opcua_untrusted"
        assert fingerprint(identity[0]) in caught.value.message
        assert "trusted" in caught.value.hint
        assert x509.load_pem_x509_certificate(caught.value.detail["certificate"].encode()) == identity[0]


async def test_wrong_users(secure: RunningServer, connector: OpcUaConnector, identity: Made) -> None:
    for user, password in (("operator", "wrong"), ("operator", ""), ("nobody", "right")):
        with pytest.raises(Denied) as caught:
            await connector.open(
                OpcUaSettings(
                    url=secure.url, security="Basic256Sha256", trusted=(pem(identity[0]),), user=user, password=password
                )
            )
        assert caught.value.code == "connectors.opcua_sign_in"
        assert user in caught.value.message
        assert "wrong" not in caught.value.message


async def test_a_user_certificate(secure: RunningServer, connector: OpcUaConnector, identity: Made) -> None:
    user, key = certificate("operator", "urn:example:operator")
    settings = OpcUaSettings(
        url=secure.url,
        security="Aes256_Sha256_RsaPss",
        trusted=(pem(identity[0]),),
        user_certificate=pem(user),
        user_key=pem(key),
    )
    assert await value(connector, settings) == 7


async def test_a_certificate_of_ones_own(secure: RunningServer, connector: OpcUaConnector, identity: Made) -> None:
    ours, key = certificate("Millwright", "urn:example:client")
    settings = OpcUaSettings(
        url=secure.url, security="Basic256Sha256", trusted=(pem(identity[0]),), certificate=pem(ours), key=pem(key)
    )
    assert await value(connector, settings) == 7
    assert not Path(connector.folder).exists()


async def test_what_the_server_does_not_offer(plant: RunningServer, connector: OpcUaConnector) -> None:
    with pytest.raises(Denied) as caught:
        await connector.open(OpcUaSettings(url=plant.url, security="Basic256Sha256"))
    assert caught.value.code == "connectors.opcua_security_not_offered"
    assert "None" in caught.value.message


async def test_a_password_is_not_sent_in_plain_text_unasked(plant: RunningServer, connector: OpcUaConnector) -> None:
    with pytest.raises(Denied) as caught:
        await connector.open(OpcUaSettings(url=plant.url, user="operator", password="right"))
    assert caught.value.code == "connectors.opcua_plain_password"
    settings = OpcUaSettings(url=plant.url, user="operator", password="right", plain_password=True)
    assert await value(connector, settings) == 7


async def test_settings_that_contradict_themselves(connector: OpcUaConnector) -> None:
    ours, key = certificate("Millwright", "urn:example:client")
    _, other = certificate("Millwright", "urn:example:client")
    url = "opc.tcp://127.0.0.1:1"
    for settings in (
        OpcUaSettings(url="http://127.0.0.1"),
        OpcUaSettings(url="opc.tcp://"),
        OpcUaSettings(url="opc.tcp://127.0.0.1:port"),
        OpcUaSettings(url="opc.tcp://operator:right@127.0.0.1"),
        OpcUaSettings(url=url, certificate=pem(ours)),
        OpcUaSettings(url=url, user="operator", user_certificate=pem(ours), user_key=pem(key)),
        OpcUaSettings(url=url, password="right"),
        OpcUaSettings(url=url, trusted=("what is this",)),
    ):
        with pytest.raises(Invalid) as caught:
            await connector.open(settings)
        assert caught.value.hint
    with pytest.raises((Invalid, Unavailable)):
        await connector.open(OpcUaSettings(url=url, certificate=pem(ours), key=pem(other)))


async def test_discovery_lists_endpoints_that_connect(
    secure: RunningServer, connector: OpcUaConnector, identity: Made, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(type(connector), "discovery_urls", (secure.url, "opc.tcp://127.0.0.1:1"))
    found = [one for one in await connector.discover(4.0) if one.settings["url"].startswith(secure.url)]
    assert {(one.settings["security"], one.settings.get("mode")) for one in found} >= {
        ("None", None),
        *((policy, mode) for policy in POLICIES for mode in ("Sign", "SignAndEncrypt")),
    }
    assert found[-1].settings["security"] == "None", "encrypted ones come first"
    assert fingerprint(identity[0]) in found[0].detail
    settings = OpcUaSettings(**{**found[0].settings, "trusted": (pem(identity[0]),)})
    assert await value(connector, settings) == 7
