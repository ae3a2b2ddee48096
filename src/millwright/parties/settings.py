"""Settings of signing in."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct, field

from millwright.parties.model import Role

_ISSUER = r"^https://[^\s?#]+$|^http://(localhost|127\.0\.0\.1|\[::1\])(:\d+)?(/[^\s?#]*)?$"


class OidcProvider(Struct, frozen=True, forbid_unknown_fields=True):
    """``[sign_in.providers.NAME]``: an OpenID Connect provider whose people may sign in here."""

    issuer: Annotated[str, Meta(description="Its issuer, as its discovery document says.", pattern=_ISSUER)]
    client_id: Annotated[str, Meta(description="What this node is called there.", min_length=1)]
    client_secret_file: Annotated[
        str, Meta(description="File that holds the client's secret. Empty: a public client, by PKCE alone.")
    ] = ""
    title: Annotated[str, Meta(description="What the button says. Empty: the name.", max_length=64)] = ""
    scopes: Annotated[list[str], Meta(description="Scopes asked for, `openid` among them.")] = field(
        default_factory=lambda: ["openid", "profile"]
    )
    new_accounts: Annotated[
        bool, Meta(description="Whether somebody who comes for the first time gets an account here.")
    ] = False
    default_roles: Annotated[list[Role], Meta(description="Roles of such an account.", min_length=1)] = field(
        default_factory=lambda: ["viewer"]
    )
    second_factor: Annotated[
        bool, Meta(description="Whether the provider asks for two factors, so that nothing more is asked here.")
    ] = False
    clock_skew_s: Annotated[int, Meta(description="How far its clock may be off, in seconds.", ge=0, le=300)] = 60


class SignInSettings(Struct, frozen=True, forbid_unknown_fields=True):
    """``[sign_in]``: how people show who they are."""

    leaked_passwords: Annotated[
        str,
        Meta(
            description="A larger list of leaked passwords: the file or folder that the downloader of Pwned Passwords "
            "writes (SHA-1). Empty: the shipped list alone."
        ),
    ] = ""
    second_factor_for: Annotated[
        list[Role],
        Meta(
            description="Roles that take a second factor: until it is shown, such a person can show it, or set up a "
            "first one."
        ),
    ] = []
    proof_minutes: Annotated[
        float,
        Meta(
            description="Minutes after signing in during which a password, tokens, factors and people may be changed; "
            "then the person proves once more who they are.",
            gt=0,
            le=1440,
        ),
    ] = 15.0
    session_longest_days: Annotated[
        float, Meta(description="A session ends this many days after it was opened, however used.", gt=0, le=365)
    ] = 30.0
    token_longest_days: Annotated[
        int, Meta(description="Longest life of a new API token, in days. 0: a token may live for ever.", ge=0, le=3650)
    ] = 0
    providers: Annotated[
        dict[str, OidcProvider],
        Meta(description="OpenID Connect providers by name: a table `[sign_in.providers.NAME]` each."),
    ] = {}
