import { App, Button, type TableColumnsType, Tag } from "antd";
import type { JSX } from "react";

import { remove } from "../api/client";
import type { SessionInfo } from "../api/model";
import { useChange, useList } from "../api/queries";
import { useFormat, useText } from "../i18n";
import { Listing } from "../parts/Listing";
import { useNow } from "../parts/now";
import { Loaded, Panel } from "../parts/Page";
import { agentName } from "./agent";

/** Where one is signed in; ends one session, or all but this one. */
export function Sessions(): JSX.Element {
  const t = useText();
  const f = useFormat();
  const now = useNow(30_000);
  const { modal, message } = App.useApp();
  const sessions = useList<SessionInfo>("/sessions", {}, { everyMs: 30_000 });
  const end = useChange((id: string) => remove(`/sessions/${id}`), ["sessions"], () => { void message.success(t.people.sessionEnded); });
  const endOthers = useChange(() => remove("/sessions"), ["sessions"], () => { void message.success(t.people.othersEnded); });
  const others = sessions.data?.filter((s) => !s.current).length ?? 0;
  const ask = (title: string, okText: string, run: () => Promise<unknown>): void => {
    void modal.confirm({ title, content: t.people.endText, okText, cancelText: t.common.cancel, okButtonProps: { danger: true }, onOk: () => run().catch(() => undefined) });
  };
  const who = (s: SessionInfo): JSX.Element => <span className="row wrap" title={s.agent}><b>{agentName(s.agent) || t.common.unknown}</b>{s.current && <Tag color="green" style={{ margin: 0 }}>{t.people.thisSession}</Tag>}</span>;
  const button = (s: SessionInfo): JSX.Element | null => s.current ? null : <Button size="small" danger onClick={() => { ask(t.people.endConfirm, t.people.end, () => end.mutateAsync(s.id)); }}>{t.people.end}</Button>;
  const columns: TableColumnsType<SessionInfo> = [
    { key: "who", title: t.people.browser, render: (_, s) => who(s) },
    { key: "from", title: t.people.address, render: (_, s) => <span className="mono quiet">{s.address || "–"}</span> },
    { key: "opened", title: t.people.signedIn, render: (_, s) => <span className="num quiet">{f.time(s.created_ms)}</span> },
    { key: "seen", title: t.people.lastActive, render: (_, s) => <span className="num quiet">{s.current ? t.common.now : f.ago(s.seen_ms, now)}</span> },
    { key: "ends", title: t.people.ends, render: (_, s) => <span className="num quiet">{f.time(s.expires_ms)}</span> },
    { key: "act", width: 96, render: (_, s) => button(s) },
  ];
  return (
    <Panel title={t.people.sessions} flush extra={others > 0 && <Button size="small" danger onClick={() => { ask(t.people.endOthersConfirm(others), t.people.endOthers, () => endOthers.mutateAsync(undefined)); }}>{t.people.endOthers}</Button>}>
      <p className="quiet panel-text">{t.people.sessionsText}</p>
      <Loaded query={sessions}>
        {(list) => <Listing
          items={list} columns={columns} rowKey={(s) => s.id} inside
          card={(s) => <div className="inset row spread" data-session={s.current ? "this" : "other"}><div className="grow">{who(s)}<div className="small quiet num">{[s.address, s.current ? t.common.now : f.ago(s.seen_ms, now)].filter(Boolean).join(" · ")}</div></div>{button(s)}</div>}
        />}
      </Loaded>
    </Panel>
  );
}
