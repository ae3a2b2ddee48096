"""Logs: text for people, one JSON object a line for machines, one rotated file per process, and no secrets."""

from __future__ import annotations

import logging
import logging.handlers
import re
import sys
from pathlib import Path
from typing import TextIO

import msgspec

from millwright.app.sections import NodeSection
from millwright.kernel import to_iso

# What secrets look like here: tokens and codes (prefix_ + base 64), passwords inside URLs, private keys.
_SECRET = re.compile(
    r"\b(?P<kind>mw[a-z])_[A-Za-z0-9_-]{16,}"
    r"|(?<=://)(?P<user>[^/\s:@]+):[^/\s@]+(?=@)"
    r"|(?:(?<=nats://)|(?<=tls://))[^/\s:@]+(?=@)"
    r"|-----BEGIN [A-Z ]*PRIVATE KEY-----[\s\S]*?(?:-----END [A-Z ]*PRIVATE KEY-----|\Z)"
)

_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029]")

_BUILT_IN = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}


def hide_secrets(text: str) -> str:
    """``text`` with every token and every password in a URL replaced by asterisks."""
    return _SECRET.sub(_asterisks, text)


def _asterisks(found: re.Match[str]) -> str:
    if found["kind"]:
        return f"{found['kind']}_********"
    return f"{found['user']}:********" if found["user"] else "********"


class JsonFormatter(logging.Formatter):
    """One JSON object a line: time, level, role, logger, message, and what the caller added by ``extra=``."""

    def __init__(self, role: str) -> None:
        super().__init__()
        self._role = role

    def format(self, record: logging.LogRecord) -> str:
        """The record as a line."""
        line = {
            "time": to_iso(int(record.created * 1000)),
            "level": record.levelname.lower(),
            "role": self._role,
            "logger": record.name,
            "message": record.getMessage(),
        }
        line |= {key: value for key, value in vars(record).items() if key not in _BUILT_IN}
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return hide_secrets(msgspec.json.encode(line, enc_hook=str).decode())


class HumanFormatter(logging.Formatter):
    """``12:34:56 listener   warning  message``."""

    def __init__(self, role: str) -> None:
        super().__init__(f"%(asctime)s {role:<10} %(levelname)-7s %(message)s", "%H:%M:%S")

    def format(self, record: logging.LogRecord) -> str:
        """The record as text."""
        return hide_secrets(super().format(record))

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 - logging's own name
        """The line, on which no name that a device chose can begin another one or move the terminal's cursor."""
        record.message = _CONTROL.sub(lambda found: ascii(found[0])[1:-1], record.message)
        return super().formatMessage(record)


def configure(role: str, section: NodeSection, folder: Path | None, stream: TextIO | None = None) -> None:
    """Send the logs of this process to ``stream`` (none when ``None``) and to ``<folder>/<role>.log``."""
    root = logging.getLogger()
    root.setLevel(section.log_level.upper())
    for handler in list(root.handlers):
        root.removeHandler(handler)
        handler.close()
    if stream is not None:
        human = section.log_format == "human" or (section.log_format == "auto" and stream.isatty())
        _add(root, logging.StreamHandler(stream), HumanFormatter(role) if human else JsonFormatter(role))
    if folder is not None:
        file = logging.handlers.RotatingFileHandler(
            folder / f"{role}.log", maxBytes=section.log_file_mb * 1_000_000, backupCount=5, encoding="utf-8"
        )
        _add(root, file, HumanFormatter(role) if section.log_format == "human" else JsonFormatter(role))
    for chatty in ("httpx", "httpcore", "asyncio", "alembic", "_granian", "granian"):
        logging.getLogger(chatty).setLevel(max(logging.WARNING, root.level))
    sys.excepthook = _log_uncaught


def _add(root: logging.Logger, handler: logging.Handler, formatter: logging.Formatter) -> None:
    handler.setFormatter(formatter)
    root.addHandler(handler)


def _log_uncaught(kind: type[BaseException], value: BaseException, _trace: object) -> None:
    if issubclass(kind, KeyboardInterrupt):
        return
    logging.getLogger("millwright").critical("uncaught %s", kind.__name__, exc_info=value)
