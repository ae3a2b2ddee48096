"""Which protocol is spoken at which port: registered numbers (IANA) and those that vendors made usual."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

TCP: Final[Mapping[int, str]] = {
    21: "FTP", 22: "SSH", 23: "Telnet", 25: "SMTP", 53: "DNS", 80: "HTTP", 102: "S7/MMS", 123: "NTP", 443: "HTTPS",
    445: "SMB", 502: "Modbus TCP", 802: "Modbus TLS", 1433: "SQL Server", 1521: "Oracle", 1883: "MQTT",
    2404: "IEC 104", 3306: "MySQL", 3389: "RDP", 4222: "NATS", 4840: "OPC UA", 4843: "OPC UA TLS", 5084: "LLRP",
    5432: "PostgreSQL", 5671: "AMQP TLS", 5672: "AMQP", 5900: "VNC", 6379: "Redis", 7422: "NATS leaf",
    8080: "HTTP", 8443: "HTTPS", 8883: "MQTT TLS", 9092: "Kafka", 9600: "FINS", 18245: "SRTP", 20000: "DNP3",
    19998: "DNP3 TLS", 44818: "EtherNet/IP", 48898: "ADS",
}  # fmt: skip
UDP: Final[Mapping[int, str]] = {
    53: "DNS", 67: "DHCP", 68: "DHCP", 69: "TFTP", 123: "NTP", 161: "SNMP", 162: "SNMP", 319: "PTP", 320: "PTP",
    514: "syslog", 547: "DHCPv6", 546: "DHCPv6", 2222: "EtherNet/IP I/O", 5353: "mDNS", 5683: "CoAP", 5684: "CoAP DTLS",
    9600: "FINS", 20000: "DNP3", 34964: "PROFINET", 44818: "EtherNet/IP", 47808: "BACnet/IP",
}  # fmt: skip
ETHERTYPES: Final[Mapping[int, str]] = {
    0x8892: "PROFINET RT", 0x88A4: "EtherCAT", 0x88B8: "GOOSE", 0x88BA: "Sampled Values", 0x88CC: "LLDP",
    0x88F7: "PTP",
}  # fmt: skip
INDUSTRIAL: Final = frozenset({
    "S7/MMS", "Modbus TCP", "Modbus TLS", "IEC 104", "OPC UA", "OPC UA TLS", "LLRP", "FINS", "SRTP", "DNP3", "DNP3 TLS",
    "EtherNet/IP", "EtherNet/IP I/O", "ADS", "PROFINET", "BACnet/IP", "PROFINET RT", "EtherCAT", "GOOSE",
    "Sampled Values",
})  # fmt: skip

_OTHER: Final = {"tcp": "TCP", "udp": "UDP"}


def name_of(transport: str, port: int, own: Mapping[int, str] | None = None) -> str:
    """The protocol at a served port; ``own`` are ports that this node serves itself, whatever they are usual for."""
    if own and transport == "tcp" and port in own:
        return own[port]
    table = TCP if transport == "tcp" else UDP
    return table.get(port) or _OTHER.get(transport, transport)


def is_named(transport: str, port: int) -> bool:
    """Whether the port says what is spoken."""
    return port in (TCP if transport == "tcp" else UDP)
