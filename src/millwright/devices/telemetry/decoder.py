"""The front door of decoding: frames in, readings and dead letters out."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Final, Protocol

from millwright.devices.dead_letters.model import DeadLetter
from millwright.devices.intake import Frame, Run, decode_frame
from millwright.devices.telemetry.collector import Collector
from millwright.devices.telemetry.errors import Unreadable
from millwright.devices.telemetry.json_decoder import JsonDecoder
from millwright.devices.telemetry.model import Decoded, Directory, KnownDevice
from millwright.devices.telemetry.repeats import RepeatMemory
from millwright.devices.telemetry.settings import TelemetrySettings
from millwright.kernel import MillwrightError

logger = logging.getLogger(__name__)

JSON_TOPICS: Final = frozenset(
    {
        "millwright/v1/telemetry",
        "millwright/v1/attributes",
        "v1/devices/me/telemetry",
        "v1/devices/me/attributes",
    }
)
"""Topics that carry JSON telemetry; attributes are properties like any other."""
SPARKPLUG_PREFIX: Final = "spBv1.0/"
COMMAND_PREFIXES: Final = ("millwright/v1/commands/", "v1/devices/me/rpc/")
"""Topics on which devices answer commands and ask for something."""
SIGHTINGS_TOPIC: Final = "millwright/v1/sightings"
"""Where readers say which tags they see; see :mod:`millwright.devices.location`."""
DIALECT_PREFIXES: Final = ("/", "v1/gateway/", "v1/devices/me/attributes/request/")
"""How the topics of other platforms begin; see :mod:`millwright.devices.dialects`."""
VEHICLES_PREFIX: Final = "gbt32960/"
"""How the topics of vehicles' messages begin; see :mod:`millwright.devices.vehicles`."""


class RunDecoder(Protocol):
    """Decodes the runs of one family of topics."""

    def prepare(self, run: Run, device: KnownDevice) -> None:
        """Look up what :meth:`decode` will need to know; may raise ``Unavailable``, and gathers nothing."""
        ...

    def decode(self, run: Run, device: KnownDevice, sequence: int) -> None:
        """Decode ``run`` of the intake frame at ``sequence``; raises nothing."""
        ...


class Decoder:
    """Decodes intake frames: finds the device, then the decoder of the topic."""

    def __init__(
        self,
        directory: Directory,
        collector: Collector,
        json: JsonDecoder,
        sparkplug: RunDecoder,
        answers: RunDecoder | None = None,
        dialects: RunDecoder | None = None,
        sightings: RunDecoder | None = None,
        vehicles: RunDecoder | None = None,
    ) -> None:
        self._directory = directory
        self._collector = collector
        self._json = json
        self._sparkplug = sparkplug
        self._answers = answers
        self._dialects = dialects
        self._sightings = sightings
        self._vehicles = vehicles

    @property
    def repeats(self) -> RepeatMemory:
        """The memory of messages that may be repeated."""
        return self._json.repeats

    def decode(self, data: bytes, sequence: int, received_ms: int = 0) -> None:
        """Decode the frame ``data`` at ``sequence`` of the stream; gather with :meth:`take`.

        A damaged frame becomes a dead letter of nobody, received at ``received_ms``. Raises ``Unavailable`` when a
        device cannot be looked up now; nothing of the frame was taken then, so decode it again later.
        """
        frame = self._open(data, received_ms)
        if frame is None:
            return
        devices = self._find_devices(frame)
        self._collector.counts["frames_in"] += 1
        self._collector.counts["messages_in"] += sum([len(run.payloads) for run in frame.runs])
        usage = self._collector.usage
        usage.hold(data, frame.runs[-1].received_ms if frame.runs else 0)
        for run, device in zip(frame.runs, devices, strict=True):
            if usage.is_doubtful(run):
                for single, counted in zip(usage.split(run), usage.find_repeated(run, frame), strict=True):
                    self._take_run(single, device, sequence, counted=counted)
            else:
                self._take_run(run, device, sequence, counted=False)

    def _take_run(self, run: Run, device: KnownDevice | None, sequence: int, *, counted: bool) -> None:
        before = self._collector.readings
        try:
            self._decode_run(run, device, sequence)
        except Exception as error:  # one message must never stop the intake of all
            logger.exception("decoding messages of %s failed", run.device_id)
            self._refuse(run, "telemetry.failed", repr(error)[:200])
        if device is not None and not counted:
            self._collector.usage.add(device.organisation_id, run, self._collector.readings - before)

    def _find_devices(self, frame: Frame) -> list[KnownDevice | None]:
        """The device of each run. Everything that can fail for a while fails here, before anything is gathered."""
        find_device = self._directory.find_device
        devices = [find_device(run.device_id) for run in frame.runs]
        for run, device in zip(frame.runs, devices, strict=True):
            if device is None or run.topic in JSON_TOPICS:
                continue
            try:
                self._prepare(run, device)
            except MillwrightError:
                raise
            except Exception:  # decoding meets it again, and makes dead letters of this run alone
                logger.exception("looking up what messages of %s need failed", run.device_id)
        return devices

    def _prepare(self, run: Run, device: KnownDevice) -> None:
        if run.topic.startswith(SPARKPLUG_PREFIX):
            self._sparkplug.prepare(run, device)
        elif self._dialects is not None and run.topic.startswith(DIALECT_PREFIXES):
            self._dialects.prepare(run, device)
        elif self._vehicles is not None and run.topic.startswith(VEHICLES_PREFIX):
            self._vehicles.prepare(run, device)

    def _decode_run(self, run: Run, device: KnownDevice | None, sequence: int) -> None:
        if device is None:
            self._refuse(run, "telemetry.device_unknown", f"No device {run.device_id} is registered.")
            return
        last_seen = self._collector.last_seen
        if run.received_ms > last_seen.get(run.device_id, 0):
            last_seen[run.device_id] = run.received_ms
        if run.topic in JSON_TOPICS:
            self._json.decode(run, self._collector.properties_of(device))
        elif run.topic.startswith(SPARKPLUG_PREFIX):
            self._sparkplug.decode(run, device, sequence)
        elif self._answers is not None and run.topic.startswith(COMMAND_PREFIXES):
            self._answers.decode(run, device, sequence)
        elif self._dialects is not None and run.topic.startswith(DIALECT_PREFIXES):
            self._dialects.decode(run, device, sequence)
        elif self._sightings is not None and run.topic == SIGHTINGS_TOPIC:
            self._sightings.decode(run, device, sequence)
        elif self._vehicles is not None and run.topic.startswith(VEHICLES_PREFIX):
            self._vehicles.decode(run, device, sequence)
        else:
            self._refuse(run, "telemetry.topic_unknown", f"Nothing here reads the topic {run.topic[:200]!r}.")

    def recall(self, data: bytes) -> None:
        """Fill the memory of repeatable messages from a frame that was stored before; gather and drop the rest."""
        frame = self._open(data, 0)
        if frame is not None and frame.runs:
            self._collector.usage.hold(data, frame.runs[-1].received_ms)
        for run in frame.runs if frame else ():
            device = self._directory.find_device(run.device_id)
            if device is None:
                continue
            if run.topic in JSON_TOPICS:
                self._json.decode(run, self._collector.properties_of(device))
            elif self._dialects is not None and run.topic.startswith(DIALECT_PREFIXES):
                self._dialects.decode(run, device, 0)

    def take(self) -> Decoded:
        """All that was decoded since the last call."""
        return self._collector.take()

    def _open(self, data: bytes, received_ms: int) -> Frame | None:
        try:
            return decode_frame(data)
        except ValueError as error:  # msgspec's decoding and validation errors are ValueErrors
            logger.warning("an intake frame of %d bytes is damaged: %s", len(data), error)
            self._collector.counts["dead_letters"] += 1
            self._collector.dead_letters.append(
                DeadLetter("telemetry.frame_unreadable", str(error), "", "", data, received_ms)
            )
            return None

    def _refuse(self, run: Run, reason: str, text: str) -> None:
        for payload in run.payloads:
            self._collector.reject(run, payload, Unreadable(reason, text))


def new_decoder(
    directory: Directory,
    settings: TelemetrySettings,
    collector: Collector,
    sparkplug: RunDecoder,
    answers: RunDecoder | None = None,
    dialects: Callable[[JsonDecoder], RunDecoder] | None = None,
    sightings: RunDecoder | None = None,
    vehicles: Callable[[JsonDecoder], RunDecoder] | None = None,
) -> Decoder:
    """A decoder with its JSON side wired to ``collector``, which ``sparkplug`` and ``answers`` fill too.

    ``dialects`` makes the reader of other platforms' topics, ``vehicles`` that of vehicles' messages; both hand on to
    the JSON side.
    """
    json = JsonDecoder(collector, settings)
    others = None if dialects is None else dialects(json)
    return Decoder(
        directory,
        collector,
        json,
        sparkplug,
        answers,
        others,
        sightings,
        None if vehicles is None else vehicles(json),
    )
