"""``ledger witness``: co-signing the tree heads of other nodes' logs."""

from __future__ import annotations

import asyncio
import signal
from pathlib import Path

import click


@click.command("witness")
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False))
@click.option("--log", "logs", multiple=True, required=True, help="Verifier key of a log to watch; repeat it.")
@click.option("--sm3", multiple=True, help="Origin of a watched log that hashes with SM3; repeat it.")
@click.option("--name", default="millwright-witness", show_default=True, help="Name of the key, at its first use.")
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--port", type=click.IntRange(1, 65535), default=8430, show_default=True, help="Port to listen on.")
def witness(folder: Path, logs: tuple[str, ...], sm3: tuple[str, ...], name: str, host: str, port: int) -> int:
    """Run a witness that keeps what it saw in FOLDER, until Ctrl-C or SIGTERM.

    It co-signs a tree head only after a proof that the log continues the one it co-signed last (C2SP tlog-witness), so
    that history cannot be rewritten behind its back. Its key is printed at the start.

    \b
    Example:
      millwright ledger witness ./witness --log "$(millwright ledger keys)"
      MILLWRIGHT_LEDGER_WITNESSES="http://127.0.0.1:8430 millwright-witness+…" millwright up
    """
    return asyncio.run(_serve(folder, logs, sm3, name, host, port))


async def _serve(folder: Path, logs: tuple[str, ...], sm3: tuple[str, ...], name: str, host: str, port: int) -> int:
    from granian.constants import Interfaces
    from granian.server.embed import Server

    from millwright.kernel import SystemClock
    from millwright.ledger import COSIGNATURE, KeyFile, Verifier, Witness, create_witness
    from millwright.ledger.merkle import Algorithm

    key_file = KeyFile(folder / "witness.key", (COSIGNATURE,))
    signer = key_file.load(name)[0]
    watched = [Verifier.parse(line) for text in logs for line in text.split()]
    algorithms: dict[str, Algorithm] = dict.fromkeys(sm3, "sm3")
    app = create_witness(Witness(folder, signer, watched, SystemClock(), algorithms))
    server = Server(app, address=host, port=port, interface=Interfaces.ASGINL, websockets=False, log_enabled=False)
    told = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, told.set)
    serving = asyncio.create_task(server.serve())
    click.echo(f"http://{host}:{port} {signer.verifier}")
    stop = asyncio.create_task(told.wait())
    await asyncio.wait((serving, stop), return_when=asyncio.FIRST_COMPLETED)
    if not serving.done():
        server.stop()  # type: ignore[no-untyped-call]  # Granian's
    stop.cancel()
    await asyncio.wait({serving}, timeout=5)
    return 0


COMMANDS = (witness,)
"""What the group takes in."""
