"""Settings of watching resolution."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct


class MonitoringSettings(Struct, frozen=True, forbid_unknown_fields=True):
    """``[monitoring]``: when look-ups of identifiers count as abnormal, and how long what shows it is kept."""

    window_min: Annotated[
        int, Meta(description="Minutes over which the questions of one network are counted together.", ge=1, le=60)
    ] = 10
    scraping_names: Annotated[
        int,
        Meta(
            description="Distinct names that one network (/24 of IPv4, /64 of IPv6) asks for in that time, from "
            "which on this is reported as scraping.",
            ge=10,
        ),
    ] = 1_000
    scraping_misses: Annotated[
        int,
        Meta(
            description="Questions of one network in that time that find nothing, from which on this is reported, when "
            "they are more than a third of its questions.",
            ge=10,
        ),
    ] = 200
    scraping_run: Annotated[
        int,
        Meta(
            description="Names whose last digits follow one another, asked for by one network in that time, from which "
            "on this is reported as enumeration.",
            ge=10,
        ),
    ] = 100
    serial_prefixes: Annotated[
        list[str],
        Meta(
            description="Beginnings of names that each stand for one thing, such as `88.118.8/SN-`. Names of GS1 with "
            "a serial number (AI 21) always do."
        ),
    ] = []
    counterfeit_sources: Annotated[
        int,
        Meta(
            description="Networks that ask for one thing on one day (UTC), from which on this is reported as the "
            "pattern of a copied code, when it is asked for far more often than others of its kind.",
            ge=3,
        ),
    ] = 20
    counterfeit_factor: Annotated[
        float, Meta(description="How many times as often as the mean of its kind that is.", ge=2)
    ] = 10.0
    guessed_serials: Annotated[
        int,
        Meta(
            description="Distinct serial numbers that do not exist, asked for on one day below a product or batch that "
            "has some that do, from which on this is reported as guessing.",
            ge=5,
        ),
    ] = 50
    address_days: Annotated[
        int, Meta(description="Days after which the network is removed from a finding.", ge=1, le=365)
    ] = 7
    finding_days: Annotated[
        int, Meta(description="Days after which a finding that did not occur again is removed.", ge=1, le=3650)
    ] = 90
    unfiled_days: Annotated[
        int, Meta(description="Days after which a prefix in force without an accepted filing is shown.", ge=0, le=3650)
    ] = 7
