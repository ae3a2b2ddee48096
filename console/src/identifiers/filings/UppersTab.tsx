import { PlusOutlined, WarningOutlined } from "@ant-design/icons";
import { Alert, App, Button, Collapse, Drawer, Form, Input, InputNumber, Select, Switch, Tag, Tooltip } from "antd";
import { type JSX, useState } from "react";

import { post, remove, request } from "../../api/client";
import type { NewUpperNode, ReportSent, UpperCheck, UpperNode } from "../../api/filings";
import { PREFIX_SYSTEMS } from "../../api/identifiers";
import { useChange, useList } from "../../api/queries";
import { usePreferences } from "../../app/preferences";
import { useFormat, useText } from "../../i18n";
import { Empty, Loaded, Panel } from "../../parts/Page";
import { usePhone } from "../../parts/screen";
import { ProblemLine } from "./Chain";

/** The nodes above: how each is reached, and how it stands. */
export function UppersTab(): JSX.Element {
  const t = useText();
  const uppers = useList<UpperNode>("/upper-nodes", {}, { everyMs: 5000 });
  const [editing, setEditing] = useState<UpperNode | "new" | null>(null);
  const add = <Button type="primary" icon={<PlusOutlined />} onClick={() => { setEditing("new"); }}>{t.filings.addUpper}</Button>;
  return (
    <>
      <Loaded query={uppers}>
        {(items) => items.length === 0 ? <div className="panel"><Empty title={t.filings.noUppers} text={t.filings.noUppersText}>{add}</Empty></div> : (
          <div className="stack">
            <div>{add}</div>
            {items.map((one) => <Upper key={one.id} upper={one} edit={() => { setEditing(one); }} />)}
          </div>
        )}
      </Loaded>
      {editing && <UpperBox upper={editing === "new" ? null : editing} close={() => { setEditing(null); }} />}
    </>
  );
}

function Upper({ upper, edit }: { upper: UpperNode; edit: () => void }): JSX.Element {
  const t = useText();
  const f = useFormat();
  const { message, modal } = App.useApp();
  const [checked, setChecked] = useState<UpperCheck | null>(null);
  const check = useChange(() => post<UpperCheck>(`/upper-nodes/${upper.id}/check`), ["upper-nodes", "filings"], (found) => { setChecked(found); });
  const fileAll = useChange(() => post(`/upper-nodes/${upper.id}/filings`), ["upper-nodes", "filings"], () => { void message.success(t.filings.fileAllDone); });
  const gone = useChange(() => remove(`/upper-nodes/${upper.id}`), ["upper-nodes", "filings"], () => { void message.success(t.filings.removed); });
  const [word, colour] = !upper.enabled ? [t.filings.off, undefined] : upper.problem ? [t.filings.failing, "error"] : upper.answered_ms === null ? [t.filings.never, "warning"] : [t.filings.well, "success"];
  return (
    <Panel
      title={<span className="row wrap">{upper.name}<Tag {...(colour && { color: colour })} data-upper={upper.problem ? "failing" : "well"}>{word}</Tag>{!upper.encrypted && <Tooltip title={t.filings.plainText}><Tag icon={<WarningOutlined />} color="warning">{t.filings.plain}</Tag></Tooltip>}</span>}
      extra={<span className="row wrap" style={{ justifyContent: "flex-end" }}>
        <Button size="small" loading={check.isPending} onClick={() => { check.mutate(undefined); }}>{t.filings.test}</Button>
        <Button size="small" onClick={edit}>{t.common.edit}</Button>
      </span>}
    >
      <div className="stack">
        {upper.problem && <div className="notice"><ProblemLine problem={upper.problem} />{upper.next_ms !== null && <div className="small quiet">{t.filings.triedAgain(f.time(upper.next_ms))} · {t.filings.attempts} {upper.attempts}</div>}</div>}
        {checked && <Checked found={checked} close={() => { setChecked(null); }} />}
        <dl className="facts">
          <dt>{t.filings.url}</dt><dd className="mono">{upper.url}</dd>
          <dt>{t.filings.publicKey}</dt><dd className="mono small">{upper.public_key ?? t.filings.publicKeyHint}</dd>
          {(upper.systems.length > 0 || upper.prefixes.length > 0) && <><dt>{t.filings.onlyPrefixes}</dt><dd>{[...upper.systems.map((one) => t.prefixes.systems[one]), ...upper.prefixes].join(" · ")}</dd></>}
          <dt>{t.filings.state}</dt><dd>{[t.filings.waiting(f.number(upper.waiting)), t.filings.undecided(f.number(upper.undecided))].join(" · ")}</dd>
          <dt>{t.filings.answered}</dt><dd className="num">{upper.answered_ms === null ? "–" : f.time(upper.answered_ms)}</dd>
        </dl>
        <div className="row wrap">
          <Button size="small" onClick={() => { modal.confirm({ title: t.filings.fileAll, content: t.filings.fileAllText, okText: t.filings.fileAll, cancelText: t.common.cancel, onOk: () => { fileAll.mutate(undefined); } }); }}>{t.filings.fileAll}</Button>
          <Button size="small" danger onClick={() => { modal.confirm({ title: t.filings.removeUpper, content: t.filings.removeUpperText, okText: t.common.delete, okButtonProps: { danger: true }, cancelText: t.common.cancel, onOk: () => { gone.mutate(undefined); } }); }}>{t.common.delete}</Button>
        </div>
        {upper.report_every_h > 0 && <Reports id={upper.id} />}
      </div>
    </Panel>
  );
}

function Checked({ found, close }: { found: UpperCheck; close: () => void }): JSX.Element {
  const t = useText();
  const f = useFormat();
  const { language } = usePreferences();
  const { desk, problem } = found;
  const words = desk === null ? "" : desk.prefixes && desk.prefixes.length > 0 ? t.filings.mayFile(desk.prefixes.slice(0, 12).join(", ")) : found.ok ? t.filings.mayNothing : "";
  const clock = found.clock_ahead_ms !== null && Math.abs(found.clock_ahead_ms) > 5000 ? t.filings.clockAhead(f.number(Math.round(found.clock_ahead_ms / 1000))) : "";
  return <Alert data-testid="checked" closable={{ onClose: close }} type={found.ok ? (clock ? "warning" : "success") : "error"} showIcon title={found.ok ? t.filings.tested(f.number(found.milliseconds)) : (language === "zh" && problem?.why_zh) || problem?.message} description={[words, clock, problem && language === "en" ? problem.hint : ""].filter(Boolean).join(" ") || undefined} />;
}

function Reports({ id }: { id: string }): JSX.Element {
  const t = useText();
  const f = useFormat();
  const reports = useList<ReportSent>(`/upper-nodes/${id}/reports`, {}, { everyMs: 15_000 });
  const [newest] = reports.data ?? [];
  return <div className="row wrap small"><b>{t.filings.lastReport}</b>{newest ? <><span className="num quiet">{f.time(newest.from_ms)} – {f.time(newest.to_ms)}</span><Tag color={newest.state === "accepted" ? "success" : newest.state === "failed" ? "error" : "warning"} data-report={newest.state}>{t.filings.reportStates[newest.state]}</Tag><span className="num">{t.filings.identifiers} {f.number(newest.identifiers)} · {t.filings.prefixes} {f.number(newest.prefixes)}</span></> : <span className="quiet">{t.filings.noReports}</span>}</div>;
}

function UpperBox({ upper, close }: { upper: UpperNode | null; close: () => void }): JSX.Element {
  const t = useText();
  const { message } = App.useApp();
  const [form] = Form.useForm<NewUpperNode>();
  const save = useChange(
    async (fields: NewUpperNode) => {
      const body = { ...fields, prefixes: fields.prefixes.map((one) => one.trim()).filter(Boolean), report_every_h: fields.report_every_h ?? 0 };
      const kept = await request<UpperNode>(upper ? "PUT" : "POST", `/upper-nodes${upper ? `/${upper.id}` : ""}`, { body });
      if (!upper) await post(`/upper-nodes/${kept.id}/check`); // its key is taken at once
      return kept;
    },
    ["upper-nodes", "filings"], () => { void message.success(upper ? t.filings.saved : t.filings.connected); close(); },
  );
  const values: NewUpperNode = { name: "", url: "", token: "", ca: "", public_key: "", systems: [], prefixes: [], enabled: true, report_every_h: 24 };
  return (
    <Drawer open onClose={close} size={usePhone() ? "100%" : 520} title={upper ? t.filings.editUpper : t.filings.addUpper} footer={<div className="row" style={{ justifyContent: "flex-end" }}><Button onClick={close}>{t.common.cancel}</Button><Button type="primary" loading={save.isPending} onClick={() => { form.submit(); }}>{t.common.save}</Button></div>}>
      <Form<NewUpperNode> form={form} layout="vertical" requiredMark={false} onFinish={(fields) => { save.mutate({ ...values, ...fields }); }} initialValues={upper ? { ...upper, token: "", public_key: upper.public_key ?? "" } : values}>
        <Form.Item name="name" label={t.filings.upperName} rules={[{ required: true, whitespace: true, message: t.common.required }]}><Input maxLength={120} autoFocus /></Form.Item>
        <Form.Item name="url" label={t.filings.url} extra={t.filings.urlHint} rules={[{ required: true, whitespace: true, message: t.common.required }]}><Input className="mono" maxLength={300} inputMode="url" /></Form.Item>
        <Form.Item name="token" label={t.filings.token} extra={upper ? t.filings.tokenKept : t.filings.tokenHint} rules={upper ? [] : [{ required: true, whitespace: true, message: t.common.required }]}><Input.Password className="mono" maxLength={200} autoComplete="off" /></Form.Item>
        <Form.Item name="report_every_h" label={t.filings.reportEvery} extra={t.filings.reportHint}><InputNumber min={0} max={744} precision={0} /></Form.Item>
        <Form.Item name="enabled" label={t.filings.enabled} valuePropName="checked"><Switch /></Form.Item>
        <Collapse ghost size="small" items={[{ key: "more", label: t.filings.advanced, forceRender: true, children: <>
          <Form.Item name="public_key" label={t.filings.publicKey} extra={t.filings.publicKeyHint}><Input className="mono" maxLength={400} /></Form.Item>
          <Form.Item name="ca" label={t.filings.ca} extra={t.filings.caHint}><Input.TextArea className="mono" rows={4} placeholder="-----BEGIN CERTIFICATE-----" /></Form.Item>
          <Form.Item name="systems" label={t.filings.systems} extra={t.filings.systemsHint}><Select mode="multiple" virtual={false} options={PREFIX_SYSTEMS.map((value) => ({ value, label: t.prefixes.systems[value] }))} /></Form.Item>
          <Form.Item name="prefixes" label={t.filings.onlyPrefixes} extra={t.filings.systemsHint}><Select mode="tags" open={false} suffixIcon={null} tokenSeparators={[" ", ",", "，", "、"]} /></Form.Item>
        </> }]} />
      </Form>
    </Drawer>
  );
}
