import { useQuery } from "@tanstack/react-query";
import { App, Button, Dropdown, Switch, type TableColumnsType } from "antd";
import { MoreOutlined, PlusOutlined } from "@ant-design/icons";
import type { JSX } from "react";
import { Link, useSearchParams } from "react-router";

import { etagOf, get, put, remove } from "../api/client";
import type { Device, Rule } from "../api/model";
import { useChange, useMay, useModels, usePages, useResource } from "../api/queries";
import { useFormat, useText, useTitle } from "../i18n";
import { Listing } from "../parts/Listing";
import { PriorityMark } from "../parts/Marks";
import { Empty, Loaded, Page } from "../parts/Page";
import { draftOf, RuleDrawer } from "./RuleDrawer";
import { sentence } from "./sentence";

export default function RulesPage(): JSX.Element {
  const t = useText();
  const [parameters, setParameters] = useSearchParams();
  const engineer = useMay("rules:write");
  const open = parameters.get("rule");
  const create = parameters.get("new") !== null;
  const rules = usePages<Rule>("/rules", { limit: 100 });
  const listed = open ? rules.data?.items.find((rule) => rule.id === open) : undefined;
  const linked = useResource<Rule>(`/rules/${open ?? ""}`, {}, { enabled: open !== null && rules.isSuccess && !listed });
  const editing = listed ?? (open ? linked.data : undefined);
  const show = (id: string | null): void => { setParameters(id === null ? {} : id === "new" ? { new: "1" } : { rule: id }, { replace: true }); };
  const add = engineer && <Button type="primary" icon={<PlusOutlined />} onClick={() => { show("new"); }}>{t.rules.add}</Button>;
  return (
    <Page title={t.rules.title} actions={add}>
      <Loaded query={rules}>
        {({ items }) => items.length === 0
          ? <div className="panel"><Empty title={t.rules.empty} text={t.rules.emptyText}>{add}</Empty></div>
          : <RuleList rules={items} open={show} more={rules.hasNextPage ? () => void rules.fetchNextPage() : null} />}
      </Loaded>
      {(create || editing) && <RuleDrawer key={editing?.id ?? "new"} rule={editing ?? null} start={parameters.get("device") ? { device_id: parameters.get("device") } : {}} close={() => { show(null); }} />}
    </Page>
  );
}

export function RuleList({ rules, open, more = null }: { rules: readonly Rule[]; open: (id: string) => void; more?: (() => void) | null }): JSX.Element {
  const t = useText();
  const { modal } = App.useApp();
  const engineer = useMay("rules:write");
  const toggle = useChange((rule: Rule) => put(`/rules/${rule.id}`, { ...draftOf(rule), enabled: !rule.enabled }, etagOf(rule)), ["rules"]);
  const drop = useChange((id: string) => remove(`/rules/${id}`), ["rules", "alarms"]);
  const ask = (rule: Rule): void => { void modal.confirm({ title: t.rules.deleteConfirm, content: t.rules.deleteText, okText: t.common.delete, cancelText: t.common.cancel, okButtonProps: { danger: true }, onOk: () => drop.mutateAsync(rule.id).catch(() => undefined) }); };
  const menu = (rule: Rule): JSX.Element => (
    <Dropdown trigger={["click"]} menu={{ items: [{ key: "edit", label: t.common.edit, onClick: () => { open(rule.id); } }, { key: "delete", danger: true, label: t.common.delete, onClick: () => { ask(rule); } }] }}>
      <Button type="text" size="small" icon={<MoreOutlined />} aria-label={t.common.actions} />
    </Dropdown>
  );
  const columns: TableColumnsType<Rule> = [
    { key: "on", title: t.rules.enabled, width: 64, render: (_, r) => <Switch size="small" checked={r.enabled} disabled={!engineer} aria-label={t.rules.enabled} onChange={() => { toggle.mutate(r); }} /> },
    { key: "priority", title: t.rules.priority, width: 96, render: (_, r) => <PriorityMark priority={r.priority} label /> },
    { key: "name", title: t.rules.name, render: (_, r) => <button type="button" className="plain" onClick={() => { open(r.id); }}><b>{r.name}</b></button> },
    { key: "words", title: t.rules.condition, render: (_, r) => <span className="quiet" style={{ display: "block", maxWidth: 480, whiteSpace: "normal" }}><Words rule={r} /></span> },
    { key: "scope", title: t.rules.scope, render: (_, r) => <Scope rule={r} /> },
    ...(engineer ? [{ key: "act", width: 48, render: (_: unknown, r: Rule) => menu(r) }] : []),
  ];
  return (
    <Listing
      items={rules} columns={columns} rowKey={(r) => r.id} onOpen={(r) => { open(r.id); }} more={more}
      card={(r) => <div className="panel" style={{ padding: 12 }}><div className="row spread"><span className="row grow"><PriorityMark priority={r.priority} hollow={!r.enabled} /><b className="cut">{r.name}</b></span>{engineer && menu(r)}</div><div className="quiet small" style={{ marginTop: 4 }}><Words rule={r} /></div></div>}
    />
  );
}

/** The device, if the rule watches one, and the model that says what its property is. */
function useSubject({ scope }: Rule) {
  // Under a key of its own: names need no refreshing each time that a device comes or goes.
  const device = useQuery({ queryKey: ["device-names", scope.device_id], queryFn: () => get<Device>(`/devices/${scope.device_id ?? ""}`), enabled: scope.device_id !== null, staleTime: 60_000 });
  const models = useModels();
  const modelId = scope.model_id ?? device.data?.model_id;
  return { device: device.data, model: models.data?.find((m) => m.id === modelId) };
}

function Words({ rule }: { rule: Rule }): JSX.Element {
  const t = useText();
  const f = useFormat();
  const title = useTitle();
  const property = useSubject(rule).model?.properties.find((p) => p.name === rule.property);
  return <>{sentence({ ...rule, property: property ? title(property) : rule.property, unit: property?.unit ?? null }, t, f)}</>;
}

function Scope({ rule }: { rule: Rule }): JSX.Element {
  const t = useText();
  const title = useTitle();
  const { device, model } = useSubject(rule);
  return rule.scope.device_id
    ? <Link to={`/devices/${rule.scope.device_id}`}>{device ? device.title ?? device.name : t.rules.oneDevice}</Link>
    : <Link className="cut" style={{ display: "block", maxWidth: 176 }} to={`/models/${rule.scope.model_id ?? ""}`} title={model && title(model)}>{model ? title(model) : t.rules.wholeModel}</Link>;
}
