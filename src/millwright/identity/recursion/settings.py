"""Settings of recursion."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta, Struct, field

_PRIVATE = ("127.0.0.0/8", "::1/128", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7", "fe80::/10")
_NOBODY = ("0.0.0.0/8", "224.0.0.0/3", "::/128", "ff00::/8")


class RecursionSettings(Struct, frozen=True, forbid_unknown_fields=True):
    """``[recursion]``: answering for names that other nodes keep."""

    enabled: Annotated[
        bool,
        Meta(description="Ask other servers for names that are not kept here, and keep their answers for a while."),
    ] = False
    roots: Annotated[
        list[str],
        Meta(
            description="Handle servers at the top of the tree, as `host:port`; one that does not answer is passed "
            "over for the next. Without any only what this node itself delegates is followed."
        ),
    ] = []
    networks: Annotated[
        list[str],
        Meta(description="Who may ask; everybody else is told where a name is kept, as without recursion."),
    ] = field(default_factory=lambda: list(_PRIVATE))
    never_ask: Annotated[
        list[str],
        Meta(
            description="Networks that are not asked even where a prefix names a server there. Add those of your own "
            "that nobody outside shall reach through this node."
        ),
    ] = field(default_factory=lambda: list(_NOBODY))
    verify: Annotated[
        Literal["off", "when-signed", "required"],
        Meta(
            description="What becomes of signatures in records of elsewhere (HS_SIGNATURE, HS_CERT). `off`: nothing. "
            "`when-signed`: they are checked up to a trusted key, what was found is told with the answer, and a record "
            "that is not as it was signed is not given. `required`: no record is given but one that is signed by who "
            "may."
        ),
    ] = "off"
    trust_roots: Annotated[
        str,
        Meta(
            description="File with the public keys at which chains of certificates end: PEM, one after the other, or a "
            "JSON Web Key Set. Needed for `verify`."
        ),
    ] = ""
    trust_root_handles: Annotated[
        list[str],
        Meta(description="Handles that those keys are of; the default is that of the Global Handle Registry."),
    ] = field(default_factory=lambda: ["0.0/0.0"])
    certified: Annotated[
        bool,
        Meta(
            description="Ask servers whose site names their key for signed answers, and take no others of them. It "
            "costs such a server a signature for each answer that is not in the cache here."
        ),
    ] = False
    max_ttl_s: Annotated[
        int, Meta(description="Longest time an answer is kept, whatever its values say.", ge=0, le=604_800)
    ] = 86_400
    negative_ttl_s: Annotated[
        int, Meta(description="How long it is remembered that there is no such name.", ge=0, le=86_400)
    ] = 60
    failure_ttl_s: Annotated[
        int, Meta(description="How long nobody is asked again for a name for which nobody has answered.", ge=0, le=300)
    ] = 5
    stale_s: Annotated[
        int,
        Meta(
            description="How long beyond its time an answer is given when no responsible server answers. 0: never.",
            ge=0,
            le=604_800,
        ),
    ] = 86_400
    stale_after_s: Annotated[
        float,
        Meta(description="After how long without a new answer an old one is given; asking goes on meanwhile.", ge=0),
    ] = 1.8
    prefetch_hits: Annotated[
        int,
        Meta(
            description="How often a name must have been asked for in its time to be fetched anew before that ends. "
            "0: never.",
            ge=0,
        ),
    ] = 3
    timeout_s: Annotated[float, Meta(description="Time in which a name must be resolved.", gt=0, le=60)] = 8.0
    server_down_s: Annotated[
        float, Meta(description="How long a server that did not answer is asked after all others.", ge=0)
    ] = 30.0
    max_entries: Annotated[int, Meta(description="Most answers in the cache of one process.", ge=1)] = 200_000
    max_mb: Annotated[float, Meta(description="Most memory that they take, in megabytes.", gt=0)] = 128.0
    max_running: Annotated[int, Meta(description="Names asked for at one time.", ge=1)] = 500
    max_running_per_address: Annotated[
        int, Meta(description="Names asked for at one time on behalf of one address.", ge=1)
    ] = 100
