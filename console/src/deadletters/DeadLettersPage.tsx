import { App, Button, Drawer, Select, type TableColumnsType, Tabs } from "antd";
import { type JSX, type Key, useState } from "react";
import { Link } from "react-router";

import { post } from "../api/client";
import type { DeadLetter, LetterSummary, WholeLetter } from "../api/model";
import { useChange, useMay, usePages, useResource } from "../api/queries";
import { useFormat, useText } from "../i18n";
import { useNodeWords } from "../i18n/node";
import { DeviceName } from "../parts/DeviceName";
import { useFilters } from "../parts/filters";
import { Listing } from "../parts/Listing";
import { Empty, Loaded, Page } from "../parts/Page";
import { usePhone } from "../parts/screen";
import { bytesOf, hexDump, prettyJson } from "./payload";

type Selection = { sequences: number[] } | { all: true; reason?: string };

/** What could not be read: looked at, replayed after mending, or thrown away. */
export default function DeadLettersPage(): JSX.Element {
  const t = useText();
  const f = useFormat();
  const words = useNodeWords();
  const { modal, message } = App.useApp();
  const engineer = useMay("dead_letters:write");
  const [parameters, set] = useFilters();
  const [selected, setSelected] = useState<Key[]>([]);
  const reason = parameters.get("reason");
  const open = parameters.get("letter");
  const letters = usePages<DeadLetter>("/dead-letters", { reason, limit: 50 }, { everyMs: 5000 });
  const summary = useResource<LetterSummary>("/dead-letters/summary", {}, { everyMs: 10_000 });
  const counts = Object.entries(summary.data?.by_reason ?? {}).map(([code, count]) => ({ reason: code, count }));
  const resources = ["dead-letters", "overview"];
  const replay = useChange((s: Selection) => post<{ replayed: number }>("/dead-letters/replay", s), resources, (r) => { setSelected([]); set({ letter: null }); void message.success(t.deadLetters.replayed(r.replayed)); });
  const discard = useChange((s: Selection) => post<{ discarded: number }>("/dead-letters/discard", s), resources, (r) => { setSelected([]); set({ letter: null }); void message.success(t.deadLetters.discarded(r.discarded)); });
  const throwAway = (sequences: number[]): void => { void modal.confirm({ title: t.deadLetters.discardConfirm(sequences.length), content: t.deadLetters.discardText, okText: t.deadLetters.discard, cancelText: t.common.cancel, okButtonProps: { danger: true }, onOk: () => discard.mutateAsync({ sequences }).catch(() => undefined) }); };
  const seen = new Set((letters.data?.items ?? []).map((d) => d.sequence));
  const chosen = selected.map(Number).filter((sequence) => seen.has(sequence));
  const columns: TableColumnsType<DeadLetter> = [
    { key: "received", title: t.deadLetters.received, render: (_, d) => <span className="num nowrap">{f.time(d.received_ms)}</span> },
    { key: "reason", title: t.deadLetters.reason, render: (_, d) => <div style={{ maxWidth: 360 }}><button type="button" className="plain cut" title={d.text} onClick={() => { set({ letter: String(d.sequence) }); }}>{words.letter(d.reason, d.text)}</button><div className="small faint mono cut">{d.reason}</div></div> },
    { key: "device", title: t.devices.device, render: (_, d) => d.device_id ? <DeviceName id={d.device_id} /> : <span className="faint">–</span> },
    { key: "topic", title: t.deadLetters.topic, render: (_, d) => <span className="mono">{d.topic}</span> },
    { key: "payload", title: t.deadLetters.payload, render: (_, d) => <div className="mono quiet cut" style={{ maxWidth: 280 }}>{d.preview}</div> },
    { key: "size", title: t.deadLetters.size, align: "right", render: (_, d) => <span className="num quiet">{f.bytes(d.size)}</span> },
  ];
  return (
    <Page
      title={t.deadLetters.title} text={t.deadLetters.text}
      actions={engineer && (chosen.length > 0
        ? <><Button onClick={() => { replay.mutate({ sequences: chosen }); }}>{t.deadLetters.replay} ({chosen.length})</Button><Button danger onClick={() => { throwAway(chosen); }}>{t.deadLetters.discard} ({chosen.length})</Button></>
        : letters.data && letters.data.items.length > 0 && <Button loading={replay.isPending} onClick={() => { replay.mutate({ all: true, ...(reason && { reason }) }); }}>{t.deadLetters.replayAll}</Button>)}
    >
      {counts.length > 0 && <Select allowClear style={{ minWidth: 240, marginBottom: 12 }} aria-label={t.deadLetters.reason} placeholder={t.deadLetters.reason} value={reason} onChange={(value: string | undefined) => { set({ reason: value ?? null }); }} options={counts.map((c) => ({ value: c.reason, label: `${words.letter(c.reason, c.reason)} (${c.count})` }))} />}
      <Loaded query={letters}>
        {({ items }) => items.length === 0
          ? <div className="panel"><Empty title={t.deadLetters.empty} text={t.deadLetters.emptyText} /></div>
          : <Listing
              items={items} columns={columns} rowKey={(d) => String(d.sequence)} size="small" onOpen={(d) => { set({ letter: String(d.sequence) }); }} more={letters.hasNextPage ? () => void letters.fetchNextPage() : null} loadingMore={letters.isFetchingNextPage}
              card={(d) => <button type="button" className="card" onClick={() => { set({ letter: String(d.sequence) }); }}><div className="cut"><b>{words.letter(d.reason, d.text)}</b></div><div className="small mono quiet cut">{d.preview}</div><div className="row spread small faint"><span className="mono cut">{d.topic}</span><span className="num nowrap">{f.time(d.received_ms)}</span></div></button>}
              {...(engineer && { selected: { keys: chosen.map(String), change: setSelected } })}
            />}
      </Loaded>
      <LetterDrawer sequence={open} close={() => { set({ letter: null }); }} engineer={engineer} replay={(s) => { replay.mutate({ sequences: [s] }); }} discard={(s) => { throwAway([s]); }} />
    </Page>
  );
}

function LetterDrawer({ sequence, close, engineer, replay, discard }: { sequence: string | null; close: () => void; engineer: boolean; replay: (sequence: number) => void; discard: (sequence: number) => void }): JSX.Element {
  const t = useText();
  const f = useFormat();
  const phone = usePhone();
  const letter = useResource<WholeLetter>(`/dead-letters/${sequence ?? ""}`, {}, { enabled: sequence !== null });
  return (
    <Drawer open={sequence !== null} onClose={close} size={phone ? "100%" : 680} title={t.deadLetters.payload} footer={engineer && sequence !== null && <div className="row" style={{ justifyContent: "flex-end" }}><Button danger onClick={() => { discard(Number(sequence)); }}>{t.deadLetters.discard}</Button><Button type="primary" onClick={() => { replay(Number(sequence)); }}>{t.deadLetters.replay}</Button></div>}>
      <Loaded query={letter}>
        {(d) => {
          const json = prettyJson(d.payload_text);
          return (
            <div className="stack">
              <div className="notice"><b>{d.text}</b><div className="small mono quiet">{d.reason}</div></div>
              <dl className="facts">
                <dt>{t.deadLetters.received}</dt><dd className="num">{f.time(d.received_ms)}</dd>
                <dt>{t.deadLetters.topic}</dt><dd className="mono">{d.topic}</dd>
                {d.device_id && <><dt>{t.devices.device}</dt><dd><Link className="mono" to={`/devices/${d.device_id}`}>{d.device_id}</Link></dd></>}
                <dt>{t.deadLetters.size}</dt><dd className="num">{f.bytes(d.size)}</dd>
              </dl>
              <Tabs size="small" items={[
                ...(json !== null ? [{ key: "json", label: t.deadLetters.json, children: <pre className="payload">{json}</pre> }] : []),
                ...(d.payload_text !== null ? [{ key: "text", label: t.deadLetters.asText, children: <pre className="payload" style={{ whiteSpace: "pre-wrap", overflowWrap: "anywhere" }}>{d.payload_text}</pre> }] : []),
                { key: "hex", label: t.deadLetters.hex, children: <pre className="payload">{hexDump(bytesOf(d.payload_base64))}</pre> },
              ]} />
            </div>
          );
        }}
      </Loaded>
    </Drawer>
  );
}
