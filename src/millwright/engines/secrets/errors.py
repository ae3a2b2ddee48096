"""Errors of the secrets engine: one function for each, so that code, words and hint are in one place.

None holds a secret.
"""

from __future__ import annotations

from millwright.kernel import Corrupt, Invalid, Unavailable


def key_missing(where: str) -> Corrupt:
    """The records hold secrets, and the master key is not there."""
    return Corrupt(
        f"The master key is missing: {where}.",
        code="secrets.key_missing",
        hint="Put back the key that was in use (from your backup of it); without it the sealed secrets cannot be read.",
    )


def key_wrong(wrapped_by: str) -> Corrupt:
    """There is a master key, and it is not the one that the records were sealed under."""
    return Corrupt(
        f"The master key is another one than the records were sealed under ({wrapped_by}).",
        code="secrets.key_wrong",
        hint="Put back the key that belongs to this database; [secrets] says where it is looked for.",
        detail={"wrapped_by": wrapped_by},
    )


def key_exposed(path: str) -> Invalid:
    """The key file can be read by others."""
    return Invalid(
        f"The key file {path} can be read by other users.", code="secrets.key_exposed", hint=f"chmod 600 {path}"
    )


def key_malformed(where: str) -> Invalid:
    """What stands in place of a master key is none."""
    return Invalid(
        f"The master key in {where} is not 32 bytes in base64.",
        code="secrets.key_malformed",
        hint="Make one with `openssl rand -base64 32`.",
    )


def unreadable(purpose: str) -> Corrupt:
    """A sealed value was changed, or belongs elsewhere."""
    return Corrupt(
        f"A sealed secret cannot be opened as {purpose}: it was changed, or it belongs to another place.",
        code="secrets.sealed_unreadable",
        hint="Restore the records, or set that secret anew.",
        detail={"purpose": purpose},
    )


def data_key_unknown(key_id: str) -> Corrupt:
    """A sealed value names a data key that is not there."""
    return Corrupt(
        f"The data key {key_id[:40]} is not in the records.",
        code="secrets.data_key_unknown",
        hint="Restore the records together with their table of data keys.",
    )


def command_failed(what: str) -> Unavailable:
    """The key management service did not answer as it should."""
    return Unavailable(
        f"The command of [secrets] failed: {what}.",
        code="secrets.command_failed",
        hint="Run it by hand with `wrap` and 32 bytes in base64 on its standard input.",
        retry_after_s=5.0,
    )
