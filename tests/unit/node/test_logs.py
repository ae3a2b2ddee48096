from __future__ import annotations

import json
import logging

from millwright.app.logs import HumanFormatter, JsonFormatter, hide_secrets
from millwright.kernel import new_secret


def record(message: str, **extra: object) -> logging.LogRecord:
    made = logging.makeLogRecord({"name": "millwright.x", "levelname": "INFO", "msg": message, "created": 1.5})
    made.__dict__.update(extra)
    return made


def test_secrets_of_every_kind_are_hidden() -> None:
    for prefix in ("mwt", "mwd", "mws", "mwb", "mwe", "mwi"):
        secret = new_secret(prefix)
        shown = hide_secrets(f"signing in with {secret}, refused")
        assert secret[8:] not in shown
        assert shown == f"signing in with {prefix}_********, refused"


def test_password_in_a_url_is_hidden() -> None:
    assert hide_secrets("postgresql://ada:geheim@db:5432/x") == "postgresql://ada:********@db:5432/x"
    assert hide_secrets("nats://9f8e7d6c5b4a@127.0.0.1:4222") == "nats://********@127.0.0.1:4222"
    assert hide_secrets("tls://9f8e7d6c5b4a@broker:4222") == "tls://********@broker:4222"
    key = "-----BEGIN PRIVATE KEY-----\nMIGHAgEA\n-----END PRIVATE KEY-----"
    assert hide_secrets(f"refused {key!r}, said somebody") == "refused '********', said somebody"
    assert hide_secrets(key[:40]) == "********"
    assert hide_secrets("http://127.0.0.1:8420/a@b") == "http://127.0.0.1:8420/a@b"


def test_a_name_that_a_device_chose_begins_no_line_and_moves_no_cursor() -> None:
    line = HumanFormatter("historian").format(record("the device a\r\n12:00:00 web error \x1b[2Jb \u2028 温度 is new"))
    assert "the device a\\r\\n12:00:00 web error \\x1b[2Jb \\u2028 温度 is new" in line
    assert line.isprintable()


def test_line_is_one_json_object_with_what_the_caller_added() -> None:
    line = JsonFormatter("web").format(record("two\nlines", device_id="dev_1"))
    assert "\n" not in line
    assert json.loads(line) == {
        "time": "1970-01-01T00:00:01.500Z",
        "level": "info",
        "role": "web",
        "logger": "millwright.x",
        "message": "two\nlines",
        "device_id": "dev_1",
    }


def test_exception_is_in_the_line_without_its_secrets() -> None:
    secret = new_secret("mwt")
    try:
        raise ValueError(secret)
    except ValueError as error:
        made = record("failed")
        made.exc_info = (ValueError, error, error.__traceback__)
    line = JsonFormatter("web").format(made)
    assert "ValueError" in json.loads(line)["exception"]
    assert secret not in line
