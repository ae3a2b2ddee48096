"""EUInformation (IEC 62541-8, 5.6.3) as UCUM: the unit's number is its UNECE common code, three letters as bytes."""

from __future__ import annotations

from typing import Any, Final

UNECE_URI: Final = "http://www.opcfoundation.org/UA/units/un/cefact"

CODES: Final[dict[str, str]] = {
    "CEL": "Cel", "FAH": "[degF]", "KEL": "K", "PAL": "Pa", "KPA": "kPa", "MPA": "MPa", "A97": "hPa", "BAR": "bar",
    "MBR": "mbar", "PS": "[psi]", "ATM": "atm", "74": "mPa", "MTR": "m", "CMT": "cm", "MMT": "mm", "4H": "um",
    "KMT": "km", "C45": "nm", "INH": "[in_i]", "FOT": "[ft_i]", "MTK": "m2", "CMK": "cm2", "MMK": "mm2",
    "MTQ": "m3", "CMQ": "cm3", "MMQ": "mm3", "LTR": "L", "MLT": "mL", "HLT": "hL", "SEC": "s", "C26": "ms",
    "B98": "us", "MIN": "min", "HUR": "h", "DAY": "d", "WEE": "wk", "ANN": "a", "HTZ": "Hz", "KHZ": "kHz",
    "MHZ": "MHz", "RPM": "{rev}/min", "RPS": "{rev}/s", "C97": "s-1", "C94": "min-1", "KGM": "kg", "GRM": "g",
    "MGM": "mg", "TNE": "t", "LBR": "[lb_av]", "ONZ": "[oz_av]", "MTS": "m/s", "KMH": "km/h", "2M": "cm/s",
    "C16": "mm/s", "2X": "m/min", "MSK": "m/s2", "KGS": "kg/s", "E93": "kg/h", "F31": "kg/min", "4M": "mg/h",
    "MQH": "m3/h", "MQS": "m3/s", "G53": "m3/min", "L2": "L/min", "E32": "L/h", "G51": "L/s", "NEW": "N",
    "B47": "kN", "NU": "N.m", "B48": "kN.m", "JOU": "J", "KJO": "kJ", "3B": "MJ", "GV": "GJ", "WTT": "W",
    "KWT": "kW", "MAW": "MW", "D80": "uW", "C31": "mW", "BHP": "[HP]", "KWH": "kW.h", "WHR": "W.h", "MWH": "MW.h",
    "GWH": "GW.h", "D46": "V.A", "KVA": "kV.A", "D44": "V.A{reactive}", "KVR": "kV.A{reactive}", "VLT": "V",
    "2Z": "mV", "KVT": "kV", "AMP": "A", "4K": "mA", "B22": "kA", "B84": "uA", "AMH": "A.h", "E09": "mA.h",
    "OHM": "Ohm", "B49": "kOhm", "B75": "MOhm", "SIE": "S", "C27": "mS", "B99": "uS", "D10": "S/m", "FAR": "F",
    "4O": "uF", "COU": "C", "WEB": "Wb", "D33": "T", "81": "H", "C14": "mH", "P1": "%", "59": "[ppm]",
    "61": "[ppb]", "C62": "1", "2N": "dB", "DD": "deg", "C81": "rad", "2A": "rad/s", "Q30": "[pH]", "KMQ": "kg/m3",
    "A93": "g/m3", "GL": "g/L", "23": "g/cm3", "M1": "mg/L", "GP": "mg/m3", "GQ": "ug/m3", "C36": "mol/m3",
    "C34": "mol", "CDL": "cd", "LUM": "lm", "LUX": "lx", "BQL": "Bq", "D54": "W/m2", "C65": "Pa.s", "C24": "mPa.s",
    "S4": "m2/s", "C17": "mm2/s", "B15": "J/mol", "B11": "J/(kg.K)", "D53": "W/(m.K)", "EA": "{each}",
    "H87": "{piece}", "NMP": "{pack}", "2P": "kBy", "4L": "MBy", "AD": "By", "A99": "bit",
}  # fmt: skip
"""UNECE common code → UCUM."""

SYMBOLS: Final[dict[str, str]] = {
    "°C": "Cel", "℃": "Cel", "°F": "[degF]", "℉": "[degF]", "K": "K", "%": "%", "bar": "bar", "mbar": "mbar",
    "Pa": "Pa", "kPa": "kPa", "MPa": "MPa", "hPa": "hPa", "psi": "[psi]", "m": "m", "mm": "mm", "cm": "cm",
    "µm": "um", "μm": "um", "km": "km", "m²": "m2", "m³": "m3", "l": "L", "L": "L", "s": "s", "ms": "ms",
    "min": "min", "h": "h", "Hz": "Hz", "kHz": "kHz", "rpm": "{rev}/min", "r/min": "{rev}/min", "1/min": "min-1",
    "kg": "kg", "g": "g", "t": "t", "m/s": "m/s", "mm/s": "mm/s", "m/min": "m/min", "km/h": "km/h", "m/s²": "m/s2",
    "m³/h": "m3/h", "l/min": "L/min", "L/min": "L/min", "l/h": "L/h", "kg/h": "kg/h", "kg/s": "kg/s", "N": "N",
    "kN": "kN", "Nm": "N.m", "N·m": "N.m", "J": "J", "kJ": "kJ", "W": "W", "kW": "kW", "MW": "MW", "kWh": "kW.h",
    "kW·h": "kW.h", "MWh": "MW.h", "VA": "V.A", "kVA": "kV.A", "V": "V", "mV": "mV", "kV": "kV", "A": "A",
    "mA": "mA", "Ω": "Ohm", "kΩ": "kOhm", "°": "deg", "ppm": "[ppm]", "pH": "[pH]", "dB": "dB", "kg/m³": "kg/m3",
    "mg/l": "mg/L", "mg/L": "mg/L", "lx": "lx", "W/m²": "W/m2", "µS/cm": "uS/cm", "μS/cm": "uS/cm",
}  # fmt: skip
"""What servers print, where they give no number → UCUM."""


def ucum(information: Any) -> str | None:
    """The UCUM code of an ``EUInformation``, or ``None`` when it is not known."""
    number = getattr(information, "UnitId", None)
    if isinstance(number, int) and number > 0 and getattr(information, "NamespaceUri", None) in (UNECE_URI, None, ""):
        code = number.to_bytes(4, "big").lstrip(b"\0").decode("ascii", "replace")
        if code in CODES:
            return CODES[code]
    for text in (getattr(information, "DisplayName", None), getattr(information, "Description", None)):
        printed = (getattr(text, "Text", None) or "").strip()
        if printed in SYMBOLS:
            return SYMBOLS[printed]
    return None
