"""A station by c104 (another implementation, GPL, used as a process only): ``python iec104_station.py PORT [TLS dir]``.

Tells ``ready`` on its output, then each command and clock it gets; reads orders from its input:
``float VALUE``, ``single 0|1 QUALITY``, ``double N``.
"""

import datetime
import sys
from pathlib import Path

import c104


def say(*words: object) -> None:
    sys.stdout.write(" ".join(map(str, words)) + "\n")
    sys.stdout.flush()


def on_single(point: c104.Point, previous_info: c104.Information, message: c104.IncomingMessage) -> c104.ResponseState:
    say("command", point.io_address, point.value, "select" if message.is_select_command else "execute")
    return c104.ResponseState.SUCCESS


def on_refused(point: c104.Point, previous_info: c104.Information, message: c104.IncomingMessage) -> c104.ResponseState:
    say("refused", point.io_address)
    return c104.ResponseState.FAILURE


def on_clock(server: c104.Server, ip: str, date_time: datetime.datetime) -> c104.ResponseState:
    say("clock", date_time.isoformat())
    return c104.ResponseState.SUCCESS


def secured(folder: Path) -> c104.TransportSecurity:
    tls = c104.TransportSecurity(validate=True, only_known=False)
    tls.set_certificate(cert=str(folder / "server.pem"), key=str(folder / "server.key"))
    tls.set_ca_certificate(cert=str(folder / "ca.pem"))
    tls.set_version(min=c104.TlsVersion.TLS_1_2, max=c104.TlsVersion.TLS_1_2)
    return tls


def main() -> None:
    security = secured(Path(sys.argv[2])) if len(sys.argv) > 2 else None
    server = c104.Server(ip="127.0.0.1", port=int(sys.argv[1]), transport_security=security)
    server.on_clock_sync(callable=on_clock)
    station = server.add_station(common_address=7)
    kinds = c104.Type
    points = {}
    for number, kind, value in (
        (1, kinds.M_SP_NA_1, True),
        (2, kinds.M_DP_NA_1, c104.Double.ON),
        (3, kinds.M_ST_NA_1, c104.Int7(-5)),
        (4, kinds.M_BO_NA_1, c104.Byte32(0xDEADBEEF)),
        (5, kinds.M_ME_NA_1, c104.NormalizedFloat(-0.5)),
        (6, kinds.M_ME_NB_1, c104.Int16(-1234)),
        (7, kinds.M_ME_NC_1, 21.5),
        (8, kinds.M_IT_NA_1, 123456),
        (11, kinds.M_SP_TB_1, True),
        (12, kinds.M_DP_TB_1, c104.Double.OFF),
        (13, kinds.M_ST_TB_1, c104.Int7(17)),
        (14, kinds.M_BO_TB_1, c104.Byte32(5)),
        (15, kinds.M_ME_TD_1, c104.NormalizedFloat(0.25)),
        (16, kinds.M_ME_TE_1, c104.Int16(77)),
        (17, kinds.M_ME_TF_1, -2.25),
        (18, kinds.M_IT_TB_1, 99),
    ):
        point = station.add_point(io_address=number, type=kind)
        point.value = value
        points[number] = point
    for number, kind in (
        (101, kinds.C_SC_NA_1),
        (102, kinds.C_DC_NA_1),
        (103, kinds.C_RC_NA_1),
        (104, kinds.C_SE_NA_1),
        (105, kinds.C_SE_NB_1),
        (106, kinds.C_SE_NC_1),
        (107, kinds.C_BO_NA_1),
        (108, kinds.C_SC_TA_1),
        (109, kinds.C_SE_TC_1),
    ):
        station.add_point(io_address=number, type=kind).on_receive(callable=on_single)
    selected = station.add_point(io_address=120, type=kinds.C_SC_NA_1, command_mode=c104.CommandMode.SELECT_AND_EXECUTE)
    selected.on_receive(callable=on_single)
    station.add_point(io_address=121, type=kinds.C_SC_NA_1).on_receive(callable=on_refused)
    server.start()
    say("ready")
    for line in sys.stdin:
        order, *words = line.split()
        if order == "float":
            points[17].info = c104.ShortInfo(
                actual=float(words[0]),
                recorded_at=datetime.datetime(2026, 3, 4, 5, 6, 7, 890_000, tzinfo=datetime.UTC),
            )
            points[17].transmit(cause=c104.Cot.SPONTANEOUS)
        elif order == "single":
            quality = getattr(c104.Quality, words[1]) if len(words) > 1 else c104.Quality()
            points[1].info = c104.SingleInfo(on=words[0] == "1", quality=quality)
            points[1].transmit(cause=c104.Cot.SPONTANEOUS)
        say("done", order)


if __name__ == "__main__":
    main()
