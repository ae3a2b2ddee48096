from __future__ import annotations

from pathlib import Path

import pytest
from litestar import Litestar

from millwright.app.sections import ProcessSettings, load_sections
from millwright.app.settings import describe, load
from millwright.kernel import Invalid
from millwright.web import WebServer, WebSettings


def written(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "millwright.toml"
    path.write_text(text)
    return path


def test_origin_of_each_setting_is_told(tmp_path: Path) -> None:
    file = written(tmp_path, "[web]\nport = 81\n")
    environ = {"MILLWRIGHT_MQTT_PORT": "1999"}
    found = {entry.key: entry for entry in describe(load(file, environ), file, environ)}
    assert (found["web.port"].value, found["web.port"].origin) == (81, str(file))
    assert (found["mqtt.port"].value, found["mqtt.port"].origin) == (1999, "environment MILLWRIGHT_MQTT_PORT")
    assert found["node.log_level"].origin == "default"
    assert all(entry.description for entry in found.values())


def test_secrets_are_not_shown(tmp_path: Path) -> None:
    environ = {
        "MILLWRIGHT_CLICKHOUSE_PASSWORD": "geheim",
        "MILLWRIGHT_SQL_URL": "postgresql+psycopg://ada:geheim@db/millwright",
        "MILLWRIGHT_NATS_URL": "tls://geheim@broker:4222",
        "MILLWRIGHT_SECRETS_SECRET_KEY": "geheim",
        "MILLWRIGHT_SECRETS_OLD_SECRET_KEYS": "geheim, geheim2",
    }
    file = written(tmp_path, "")
    shown = "\n".join(str(entry) for entry in describe(load(file, environ), file, environ))
    assert "geheim" not in shown
    assert "ada:********@db" in shown


def test_part_of_the_settings_is_read_without_judging_the_rest(tmp_path: Path) -> None:
    file = written(tmp_path, "[node]\nname = 'a'\n[web]\nnonsense = 1\n")
    environ = {"MILLWRIGHT_WEB_PORT": "x", "MILLWRIGHT_NODE_LOG_LEVEL": "debug"}
    settings = load_sections(ProcessSettings, file, environ)
    assert (settings.node.name, settings.node.log_level) == ("a", "debug")
    with pytest.raises(Invalid):
        load(file, {})


def test_own_sections_are_judged_even_then(tmp_path: Path) -> None:
    with pytest.raises(Invalid) as refused:
        load_sections(ProcessSettings, written(tmp_path, "[node]\nnmae = 'a'\n"), {})
    assert refused.value.detail["nearest"] == "node.name"
    with pytest.raises(Invalid):
        load_sections(ProcessSettings, written(tmp_path, ""), {"MILLWRIGHT_NODE_NMAE": "a"})


def test_name_must_fit_a_subject(tmp_path: Path) -> None:
    with pytest.raises(Invalid):
        load(written(tmp_path, "[node]\nname = 'a.b'\n"), {})


@pytest.mark.parametrize("named", ["", "certificate = 'a.pem'", "key = 'a.key'", "certificate = ''\nkey = ''"])
def test_tls_by_files_names_both(tmp_path: Path, named: str) -> None:
    with pytest.raises(Invalid, match="needs certificate and key") as refused:
        load(written(tmp_path, f"[tls]\nmode = 'files'\n{named}\n"), {})
    assert refused.value.code == "settings.invalid_value"
    assert load(written(tmp_path, f"[tls]\nmode = 'auto'\n{named}\n"), {}).tls.mode == "auto"


@pytest.mark.parametrize("named", [{"certificate": __file__}, {"key": __file__}])
async def test_the_console_is_not_served_by_half_a_certificate(named: dict[str, str]) -> None:
    with pytest.raises(Invalid, match="'' is missing") as refused:
        await WebServer(Litestar(), WebSettings(**named)).start()  # type: ignore[arg-type]  # both are text
    assert refused.value.code == "web.certificate_missing"
