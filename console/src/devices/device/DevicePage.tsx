import { MoreOutlined } from "@ant-design/icons";
import { App, Button, Dropdown, Tabs, Tag } from "antd";
import { type JSX, lazy, Suspense, useState } from "react";
import { Link, useNavigate, useParams, useSearchParams } from "react-router";

import { etagOf, patch, remove } from "../../api/client";
import type { Alarm, Device, DeviceProperty, Rule } from "../../api/model";
import { useChange, useList, useMay, usePages, useResource } from "../../api/queries";
import { AlarmLine } from "../../alarms/AlarmLine";
import { History } from "../../audit/History";
import { useText } from "../../i18n";
import { PresenceMark } from "../../parts/Marks";
import { Empty, Loaded, Page } from "../../parts/Page";
import type { RuleStart } from "../../rules/RuleDrawer";
import { RuleList } from "../../rules/RulesPage";
import { Commands } from "../commands/Commands";
import { About } from "./About";
import { Connection } from "./Connection";
import { EditBox } from "./EditBox";
import { Tiles } from "./Tiles";

const Trend = lazy(() => import("../../trend/Trend"));
const RuleDrawer = lazy(() => import("../../rules/RuleDrawer").then((m) => ({ default: m.RuleDrawer })));

export default function DevicePage(): JSX.Element {
  const { id = "" } = useParams();
  const device = useResource<Device>(`/devices/${id}`, {}, { everyMs: 15_000 });
  return <Loaded query={device} rows={8}>{(d) => <Body key={d.id} device={d} />}</Loaded>;
}

function Body({ device }: { device: Device }): JSX.Element {
  const t = useText();
  const navigate = useNavigate();
  const { modal } = App.useApp();
  const engineer = useMay("devices:write");
  const mayLook = useMay("ledger:look");
  const seesCommands = useMay("commands:read");
  const [parameters, setParameters] = useSearchParams();
  const [editing, setEditing] = useState(false);
  const [rule, setRule] = useState<{ rule: Rule | null; start: RuleStart } | null>(null);
  const properties = useList<DeviceProperty>(`/devices/${device.id}/properties`, {}, { everyMs: 5000 });
  const tab = parameters.get("tab") ?? (parameters.get("trend") ? "trend" : "values");
  const chosen = parameters.getAll("trend").filter(Boolean);
  // Nothing asked for yet: draw the first number, so that nobody meets an empty chart.
  const drawn = (list: readonly DeviceProperty[]): string[] => (parameters.has("trend") ? chosen : list.filter((p) => p.type !== "string").slice(0, 1).map((p) => p.name));
  const open = (name: string): void => { setParameters((p) => { const next = new URLSearchParams(p); next.set("tab", name); return next; }, { replace: true }); };
  const choose = (names: string[]): void => { setParameters([["tab", "trend"], ...(names.length ? names : [""]).map((name): [string, string] => ["trend", name])], { replace: true }); };
  const able = useChange((disabled: boolean) => patch(`/devices/${device.id}`, { disabled }, etagOf(device)), ["devices", "overview"]);
  const drop = useChange(() => remove(`/devices/${device.id}`, etagOf(device)), ["devices", "overview", "places"], () => void navigate("/devices"), () => undefined);
  const confirm = (title: string, content: string | undefined, okText: string, run: () => Promise<unknown>): void => {
    void modal.confirm({ title, content, okText, cancelText: t.common.cancel, okButtonProps: { danger: true }, onOk: () => run().catch(() => undefined) });
  };
  const menu = [
    { key: "edit", label: t.device.edit, onClick: () => { setEditing(true); } },
    device.disabled
      ? { key: "enable", label: t.device.enable, onClick: () => { able.mutate(false); } }
      : { key: "disable", label: t.device.disable, onClick: () => { confirm(t.device.disableConfirm, undefined, t.device.disable, () => able.mutateAsync(true)); } },
    { type: "divider" as const },
    { key: "delete", danger: true, label: t.common.delete, onClick: () => { confirm(t.device.deleteConfirm, t.device.deleteText, t.common.delete, () => drop.mutateAsync(undefined)); } },
  ];
  return (
    <Page
      title={device.title ?? device.name}
      lead={<><PresenceMark presence={device.presence} disabled={device.disabled} long />{device.kind !== "device" && <Tag>{t.devices.kinds[device.kind]}</Tag>}{device.tags.map((tag) => <Link key={tag} to={`/devices?tag=${encodeURIComponent(tag)}`}><Tag>{tag}</Tag></Link>)}</>}
      text={<span>{device.title && <span className="mono">{device.name} · </span>}{device.place_path ? <Link to={`/devices?place=${device.place_id ?? ""}`}>{device.place_path}</Link> : t.device.noPlace}</span>}
      actions={engineer && <><Button onClick={() => { setRule({ rule: null, start: { device_id: device.id } }); }}>{t.device.alarmWhen}</Button><Dropdown trigger={["click"]} menu={{ items: menu }}><Button icon={<MoreOutlined />} aria-label={t.common.actions} /></Dropdown></>}
    >
      <Tabs
        activeKey={tab} onChange={open} destroyOnHidden
        items={[
          { key: "values", label: t.device.overview, children: <Loaded query={properties}>{(list) => <Tiles device={device} properties={list} toTrend={(name) => { choose([...new Set([name, ...chosen])].slice(0, 6)); }} toRule={(name) => { setRule({ rule: null, start: { device_id: device.id, property: name } }); }} />}</Loaded> },
          { key: "trend", label: t.device.trend, children: <div className="panel panel-body"><Loaded query={properties}>{(list) => <Suspense fallback={<div style={{ height: 420 }} />}><Trend deviceId={device.id} properties={list} chosen={drawn(list)} choose={choose} /></Suspense>}</Loaded></div> },
          ...(seesCommands ? [{ key: "commands", label: t.commands.tab, children: <Loaded query={properties}>{(list) => <Commands device={device} properties={list} />}</Loaded> }] : []),
          { key: "alarms", label: <span>{t.device.alarms}{device.alarms_active > 0 && <b className="num" style={{ color: "var(--high)", marginInlineStart: 6 }}>▲ {device.alarms_active}</b>}</span>, children: <DeviceAlarms id={device.id} /> },
          { key: "rules", label: t.device.rules, children: <DeviceRules device={device} open={(one) => { setRule({ rule: one, start: {} }); }} /> },
          { key: "connection", label: t.device.connection, children: <Connection device={device} /> },
          ...(mayLook ? [{ key: "history", label: t.audit.history, children: <History kind="device" id={device.id} /> }] : []),
          { key: "about", label: t.device.about, children: <About device={device} /> },
        ]}
      />
      {editing && <EditBox device={device} close={() => { setEditing(false); }} />}
      <Suspense fallback={null}>{rule && <RuleDrawer rule={rule.rule} start={rule.start} close={() => { setRule(null); }} />}</Suspense>
    </Page>
  );
}

function DeviceAlarms({ id }: { id: string }): JSX.Element {
  const t = useText();
  const alarms = usePages<Alarm>("/alarms", { device_id: id, limit: 50 }, { everyMs: 5000 });
  return <div className="panel"><Loaded query={alarms}>{({ items }) => items.length ? <>{items.map((a) => <AlarmLine key={a.id} alarm={a} />)}{alarms.hasNextPage && <div style={{ padding: 12, textAlign: "center" }}><Button onClick={() => void alarms.fetchNextPage()}>{t.common.loadMore}</Button></div>}</> : <Empty title={t.device.noAlarms} />}</Loaded></div>;
}

function DeviceRules({ device, open }: { device: Device; open: (rule: Rule) => void }): JSX.Element {
  const t = useText();
  const rules = useList<Rule>("/rules", { device_id: device.id, limit: 500 });
  const inherited = useList<Rule>("/rules", { model_id: device.model_id, limit: 500 }, { enabled: device.model_id !== null });
  return (
    <Loaded query={rules}>
      {(direct) => {
        const own = [...direct, ...(inherited.data ?? [])];
        return own.length ? <RuleList rules={own} open={(id) => { const found = own.find((r) => r.id === id); if (found) open(found); }} /> : <div className="panel"><Empty title={t.device.noRules} text={t.device.noRulesText} /></div>;
      }}
    </Loaded>
  );
}
