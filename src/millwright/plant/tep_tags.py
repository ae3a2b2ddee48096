"""Which column of the Tennessee Eastman recording is which property of which controller.

Columns are named after Downs and Vogel (1993): ``xmeas_1`` … ``xmeas_41`` are measurements, ``xmv_1`` … ``xmv_11``
manipulated variables.
"""

from __future__ import annotations

CONTROLLERS: dict[str, dict[str, str]] = {
    "feed": {
        "a_feed_flow": "xmeas_1",
        "d_feed_flow": "xmeas_2",
        "e_feed_flow": "xmeas_3",
        "ac_feed_flow": "xmeas_4",
        "a_feed_valve": "xmv_3",
        "d_feed_valve": "xmv_1",
        "e_feed_valve": "xmv_2",
        "ac_feed_valve": "xmv_4",
    },
    "reactor": {
        "feed_rate": "xmeas_6",
        "pressure": "xmeas_7",
        "level": "xmeas_8",
        "temperature": "xmeas_9",
        "cooling_water_outlet_temperature": "xmeas_21",
        "cooling_water_valve": "xmv_10",
    },
    "separator": {
        "temperature": "xmeas_11",
        "level": "xmeas_12",
        "pressure": "xmeas_13",
        "underflow": "xmeas_14",
        "cooling_water_outlet_temperature": "xmeas_22",
        "liquid_valve": "xmv_7",
        "condenser_cooling_water_valve": "xmv_11",
    },
    "stripper": {
        "level": "xmeas_15",
        "pressure": "xmeas_16",
        "underflow": "xmeas_17",
        "temperature": "xmeas_18",
        "steam_flow": "xmeas_19",
        "product_valve": "xmv_8",
        "steam_valve": "xmv_9",
    },
    "compressor": {
        "recycle_flow": "xmeas_5",
        "purge_rate": "xmeas_10",
        "work": "xmeas_20",
        "recycle_valve": "xmv_5",
        "purge_valve": "xmv_6",
    },
    "analyser": {
        "feed_a": "xmeas_23",
        "feed_b": "xmeas_24",
        "feed_c": "xmeas_25",
        "feed_d": "xmeas_26",
        "feed_e": "xmeas_27",
        "feed_f": "xmeas_28",
        "purge_a": "xmeas_29",
        "purge_b": "xmeas_30",
        "purge_c": "xmeas_31",
        "purge_d": "xmeas_32",
        "purge_e": "xmeas_33",
        "purge_f": "xmeas_34",
        "purge_g": "xmeas_35",
        "purge_h": "xmeas_36",
        "product_d": "xmeas_37",
        "product_e": "xmeas_38",
        "product_f": "xmeas_39",
        "product_g": "xmeas_40",
        "product_h": "xmeas_41",
    },
}
"""Controller → property → column."""
