import { App, Button, Descriptions, Drawer } from "antd";
import type { JSX, ReactNode } from "react";
import { Link } from "react-router";

import { post, remove } from "../api/client";
import type { Edge, EdgeEnrolment } from "../api/model";
import { useChange, useMay, useResource } from "../api/queries";
import { HistorySection } from "../audit/History";
import { useFormat, useText } from "../i18n";
import { useNodeWords } from "../i18n/node";
import { useNow } from "../parts/now";
import { Loaded } from "../parts/Page";
import { usePhone } from "../parts/screen";
import { CommandsAt, ConnectionsAt, Sections } from "./At";
import { EdgeState, Lacks, lagOf, upgradeText } from "./marks";

/** One edge: what it said last, and what can be done with it. */
export function EdgeDrawer({ id, showCode, close }: { id: string; showCode: (made: EdgeEnrolment) => void; close: () => void }): JSX.Element {
  const t = useText();
  const phone = usePhone();
  const edge = useResource<Edge>(`/edges/${id}`, {}, { everyMs: 2000 });
  return (
    <Drawer open onClose={close} size={phone ? "100%" : 720} title={edge.data?.name ?? t.edges.title} extra={edge.data && <EdgeState edge={edge.data} />}>
      <Loaded query={edge}>{(found) => <Details edge={found} showCode={showCode} close={close} />}</Loaded>
    </Drawer>
  );
}

function Details({ edge, showCode, close }: { edge: Edge; showCode: (made: EdgeEnrolment) => void; close: () => void }): JSX.Element {
  const t = useText();
  const f = useFormat();
  const now = useNow();
  const words = useNodeWords();
  const may = useMay("edges:write");
  const { modal } = App.useApp();
  const renew = useChange(() => post<EdgeEnrolment>(`/edges/${edge.id}/code`), ["edges"], (made: EdgeEnrolment, _) => { showCode(made); });
  const revoke = useChange(() => post<Edge>(`/edges/${edge.id}/revocation`), ["edges"]);
  const drop = useChange(() => remove(`/edges/${edge.id}`), ["edges"], () => { close(); });
  const ask = (title: string, content: string, okText: string, act: () => Promise<unknown>): void => {
    void modal.confirm({ title, content, okText, cancelText: t.common.cancel, okButtonProps: { danger: true }, onOk: () => act().catch(() => undefined) });
  };
  const s = edge.status;
  const said = (each: Record<string, unknown>): { title: string; hint: string } => words.problem(String(each["code"] ?? ""), String(each["message"] ?? each["code"] ?? ""), String(each["hint"] ?? ""));
  const [code = "", failed = ""] = s?.apply_error ? [s.apply_error.split(": ", 1)[0], s.apply_error.replace(/^[^:]*: /, "")] : [];
  const failure = failed && words.problem(code, failed, "").title;
  const lag = lagOf(edge, now);
  const offset = s?.clock_offset_ms;
  const rows: [string, ReactNode][] = [
    [t.edges.lacks, edge.lacks.length ? <Lacks edge={edge} /> : t.edges.nothing],
    [t.edges.devices, <Link key="d" to={`/devices?edge=${edge.id}`}>{t.devices.count(edge.devices)}</Link>],
    [t.edges.place, edge.place_path ?? "–"],
    [t.edges.since, edge.state === "connected" && edge.connected_ms ? f.time(edge.connected_ms) : "–"],
    [t.edges.seen, edge.seen_ms ? f.ago(edge.seen_ms, now) : "–"],
    [t.edges.joined, edge.joined_ms ? f.time(edge.joined_ms) : "–"],
    ...(s ? ([
      [t.edges.backlog, <>{t.edges.messages(f.number(s.backlog_messages), f.bytes(s.backlog_bytes))}{s.live && <div className="small">{t.edges.live}</div>}{s.given_up > 0 && <div className="small" style={{ color: "var(--warn)" }}>{t.edges.gone(f.number(s.given_up), s.given_up_from_ms ? f.time(s.given_up_from_ms) : "?", s.given_up_to_ms ? f.time(s.given_up_to_ms) : "?")}</div>}</>],
      [t.edges.lag, lag === null ? "–" : f.duration(lag)],
      [t.edges.rtt, s.rtt_ms == null ? "–" : `${f.number(s.rtt_ms)} ms`],
      [t.edges.clock, offset == null ? "–" : (offset >= 0 ? t.edges.ahead : t.edges.behind)(f.duration(Math.abs(offset)))],
      [t.edges.disk, f.bytes(s.disk_free_bytes)],
      [t.edges.memory, f.bytes(s.memory_bytes)],
      [t.edges.version, <>{s.version}{s.upgrade?.order && <div className="small faint">{upgradeText(t, s.upgrade)}</div>}</>],
      [t.edges.applied, s.applied ? <>{s.applied}<div className="small faint">{s.applied_ms ? t.edges.appliedAt(f.time(s.applied_ms)) : failure}</div></> : failure || "–"],
      [t.edges.addresses, s.addresses.length ? s.addresses.map((each) => <div key={each} className="num small">{each}</div>) : "–"],
      ...(s.problems.length ? [[t.edges.problems, s.problems.map((each, i) => <div key={i} className="small">{said(each).title}<div className="faint">{said(each).hint}</div></div>)] as [string, ReactNode]] : []),
    ] as [string, ReactNode][]) : []),
  ];
  return (
    <>
      <Descriptions column={1} size="small" bordered items={rows.map(([label, children]) => ({ key: label, label, children }))} />
      <div className="stack" style={{ margin: "16px 0" }}>
        <Sections edge={edge} />
        <ConnectionsAt id={edge.id} />
        <CommandsAt id={edge.id} />
      </div>
      {may && (
        <div className="row wrap" style={{ margin: "16px 0" }}>
          {edge.state !== "revoked" && <Button loading={renew.isPending} title={t.edges.newCodeText} onClick={() => { renew.mutate(undefined); }}>{t.edges.newCode}</Button>}
          {edge.state !== "revoked" && <Button danger onClick={() => { ask(t.edges.revokeConfirm, t.edges.revokeText, t.edges.revoke, () => revoke.mutateAsync(undefined)); }}>{t.edges.revoke}</Button>}
          {edge.state !== "connected" && edge.devices === 0 && <Button danger type="text" onClick={() => { ask(t.edges.deleteConfirm, edge.name, t.edges.delete, () => drop.mutateAsync(undefined)); }}>{t.edges.delete}</Button>}
        </div>
      )}
      <HistorySection kind="edge" id={edge.id} />
    </>
  );
}
