import { ArrowDownOutlined, ArrowUpOutlined, PlusOutlined } from "@ant-design/icons";
import { useQueryClient } from "@tanstack/react-query";
import { App, Button, type TableColumnsType } from "antd";
import { type JSX, useState } from "react";

import { post, put } from "../api/client";
import type { RetentionPolicy, RetentionPreview } from "../api/model";
import { useChange, useMay, useResource } from "../api/queries";
import { useFormat, useText } from "../i18n";
import { DeviceName } from "../parts/DeviceName";
import { Listing } from "../parts/Listing";
import { Empty, Loaded, Page } from "../parts/Page";
import { PolicyBox } from "./PolicyBox";
import { ALL, moved, whoseOf, withNew } from "./policy";
import { expiredOf, usePreview } from "./usePreview";

interface Line { at: number; policy: RetentionPolicy }

/** How long readings are kept: an ordered list of policies, of which the first that fits a series decides. */
export default function RetentionPage(): JSX.Element {
  const t = useText();
  const administrator = useMay("retention:write");
  const kept = useResource<{ policies: RetentionPolicy[] }>("/retention");
  const [editing, setEditing] = useState<number | "new" | null>(null);
  const policies = kept.data?.policies ?? [];
  const add = administrator && <Button type="primary" icon={<PlusOutlined />} onClick={() => { setEditing("new"); }}>{t.retention.add}</Button>;
  const next = (made: RetentionPolicy): RetentionPolicy[] => (editing === "new" ? withNew(policies, made) : policies.map((each, i) => (i === editing ? made : each)));
  return (
    <Page title={t.retention.title} text={t.retention.text} actions={policies.length > 0 && add}>
      <Loaded query={kept}>
        {(found) => found.policies.length === 0
          ? <div className="panel"><Empty title={t.retention.empty} text={t.retention.emptyText}>{add}</Empty></div>
          : <Policies policies={found.policies} edit={setEditing} />}
      </Loaded>
      {editing !== null && <PolicyBox policy={editing === "new" ? null : policies[editing] ?? null} before={policies} next={next} close={() => { setEditing(null); }} />}
    </Page>
  );
}

function Policies({ policies, edit }: { policies: readonly RetentionPolicy[]; edit: (at: number) => void }): JSX.Element {
  const t = useText();
  const f = useFormat();
  const administrator = useMay("retention:write");
  const preview = usePreview(policies, administrator);
  const propose = useProposal(policies);
  const lines = policies.map((policy, at): Line => ({ at, policy }));
  const effect = (at: number): JSX.Element | null => {
    const found = preview.data?.policies[at];
    if (!found) return <span className="faint">…</span>;
    return found.series === 0
      ? <span className="faint">{t.retention.nothing}</span>
      : <><span className="num">{t.retention.decides(found.series, found.devices)}</span>{found.expired > 0 && <div className="small num" style={{ color: "var(--warn)" }}>{t.retention.due(f.number(found.expired))}</div>}</>;
  };
  const order = ({ at }: Line): JSX.Element => (
    <span className="row" style={{ gap: 0 }}>
      <Button type="text" size="small" icon={<ArrowUpOutlined />} aria-label={t.retention.up} title={t.retention.up} disabled={at === 0} onClick={() => { propose(moved(policies, at, at - 1)); }} />
      <Button type="text" size="small" icon={<ArrowDownOutlined />} aria-label={t.retention.down} title={t.retention.down} disabled={at === policies.length - 1} onClick={() => { propose(moved(policies, at, at + 1)); }} />
    </span>
  );
  const actions = ({ at }: Line): JSX.Element => (
    <span className="row">
      <Button size="small" onClick={() => { edit(at); }}>{t.common.edit}</Button>
      <Button size="small" danger onClick={() => { propose(policies.filter((_, i) => i !== at), { title: t.retention.deleteConfirm, text: t.retention.deleteText, ok: t.common.delete }); }}>{t.common.delete}</Button>
    </span>
  );
  const columns: TableColumnsType<Line> = [
    { key: "order", title: "", width: 96, render: (_, line) => <span className="row" style={{ gap: 4 }}><span className="num quiet" style={{ minWidth: 16 }}>{line.at + 1}</span>{administrator && order(line)}</span> },
    { key: "devices", title: t.retention.devices, render: (_, { policy }) => <Whose policy={policy} /> },
    { key: "property", title: t.retention.property, render: (_, { policy }) => <Property policy={policy} /> },
    { key: "keep", title: t.retention.keep, render: (_, { policy }) => <b className="num">{keepOf(policy, t)}</b> },
    ...(administrator ? [
      { key: "effect", title: t.retention.effect, render: (_: unknown, { at }: Line) => effect(at) },
      { key: "act", width: 150, render: (_: unknown, line: Line) => actions(line) },
    ] : []),
  ];
  return (
    <div className="stack" style={{ gap: 12 }}>
      <Listing
        items={lines} columns={columns} rowKey={({ at }) => String(at)}
        card={(line) => (
          <div className="panel" style={{ padding: 12 }} data-policy={line.at}>
            <div className="row spread"><b className="num">{line.at + 1} · {keepOf(line.policy, t)}</b>{administrator && order(line)}</div>
            <div className="quiet" style={{ margin: "4px 0 8px" }}><Whose policy={line.policy} /> · <Property policy={line.policy} /></div>
            {administrator && <div className="row spread wrap"><span>{effect(line.at)}</span>{actions(line)}</div>}
          </div>
        )}
      />
      <p className="quiet" data-testid="rest">{preview.data ? t.retention.restCounted(preview.data.unmatched) : t.retention.rest}</p>
    </div>
  );
}

const keepOf = (policy: RetentionPolicy, t: ReturnType<typeof useText>): string => (policy.keep_days === null ? t.retention.forEver : t.retention.days(policy.keep_days));

function Whose({ policy }: { policy: RetentionPolicy }): JSX.Element {
  const t = useText();
  const whose = whoseOf(policy);
  return whose === "all" ? <>{t.retention.allDevices}</> : whose === "one" ? <DeviceName id={policy.device_id} /> : <span className="mono">{policy.device_id}</span>;
}

function Property({ policy }: { policy: RetentionPolicy }): JSX.Element {
  const t = useText();
  return policy.property === ALL ? <>{t.retention.allProperties}</> : <span className="mono">{policy.property}</span>;
}

interface Question { title: string; text: string; ok: string }

/** Puts a new list in force; asks first when that removes readings which the present list keeps, or when told to. */
function useProposal(policies: readonly RetentionPolicy[]): (next: RetentionPolicy[], question?: Question) => void {
  const t = useText();
  const f = useFormat();
  const { modal } = App.useApp();
  const client = useQueryClient();
  const save = useChange((next: RetentionPolicy[]) => put("/retention", { policies: next }), ["retention"]);
  const look = useChange(async (next: RetentionPolicy[]) => {
    const [now, then] = await Promise.all([policies, next].map((list) => post<RetentionPreview>("/retention/preview", { policies: list })));
    return { next, more: expiredOf(then) - expiredOf(now) };
  }, []);
  return (next, question) => {
    void look.mutateAsync(next).then(({ more }) => {
      const run = (): Promise<unknown> => save.mutateAsync(next).catch(() => client.invalidateQueries({ queryKey: ["retention"] }));
      if (!question && more <= 0) { void run(); return; }
      const warning = more > 0 ? <p style={{ color: "var(--warn)", fontWeight: 600, marginTop: 8 }} data-testid="removes">{t.retention.removes(f.number(more))}</p> : null;
      void modal.confirm({ title: question?.title ?? t.retention.moveConfirm, content: <>{question?.text}{warning}</>, okText: question?.ok ?? t.common.save, cancelText: t.common.cancel, okButtonProps: { danger: true }, onOk: run });
    }, () => undefined);
  };
}
