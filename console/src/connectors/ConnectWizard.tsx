import { CheckCircleFilled } from "@ant-design/icons";
import { Alert, App, Button, Form, Input, InputNumber, Modal, Select, Steps, Switch, Tag } from "antd";
import { useMutation } from "@tanstack/react-query";
import { type JSX, useEffect, useRef, useState } from "react";
import { useNavigate } from "react-router";

import { post } from "../api/client";
import type { ConnectionHealth, ConnectionTest, ConnectorKind, Device, FieldConnection, FoundPeer, MappedThing, NewTag } from "../api/model";
import { useChange, useList } from "../api/queries";
import { usePreferences } from "../app/preferences";
import { EdgeField } from "../edges/EdgeField";
import { useFormat, useText } from "../i18n";
import { useNodeWords } from "../i18n/node";
import { wordsOf } from "../parts/Problem";
import { Discover } from "./Discover";
import { KindFields, settingsOf, startValues } from "./KindForm";
import { LivePoints, useLiveCount } from "./LivePoints";
import { Seek } from "./Seek";
import { TagPicker } from "./TagPicker";

interface Draft { name: string; settings: Record<string, unknown>; edge_id?: string }
interface Map { way: "new" | "old"; device_name?: string; device_id?: string; model: boolean; model_name?: string; interval_ms: number }

/** From a protocol to live values: pick, connect and test, tick tags, map them to a device. */
export default function ConnectWizard({ kinds, close, into }: { kinds: readonly ConnectorKind[]; close: () => void; into?: FieldConnection }): JSX.Element {
  const t = useText();
  const f = useFormat();
  const { language } = usePreferences();
  const { modal } = App.useApp();
  const words = useNodeWords();
  const navigate = useNavigate();
  const [kind, setKind] = useState<ConnectorKind | null>(into ? kinds.find((one) => one.key === into.kind) ?? null : null);
  const [step, setStep] = useState(into ? 2 : 0);
  const [draft, setDraft] = useState<Draft | null>(into ? { name: into.name, settings: {} } : null);
  const [tags, setTags] = useState<NewTag[]>([]);
  const [connection, setConnection] = useState<FieldConnection | null>(into ?? null);
  const [thing, setThing] = useState<MappedThing | null>(null);
  const [form] = Form.useForm<{ name: string; edge_id?: string } & Record<string, unknown>>();
  const [mapping] = Form.useForm<Map>();
  const edgeId = Form.useWatch("edge_id", form);
  const way = Form.useWatch("way", mapping) ?? "new";
  const model = Form.useWatch("model", mapping) ?? true;
  const devices = useList<Device>("/devices", { limit: 500, ...((connection?.edge_id ?? draft?.edge_id) && { edge_id: connection?.edge_id ?? draft?.edge_id }) }, { enabled: step === 3 });
  const count = useLiveCount(step === 4 ? connection?.id ?? null : null);
  // Who waits for values is told at once why there are none.
  const health = useList<ConnectionHealth>("/connectors/health", {}, { enabled: step === 4, everyMs: 2000 });
  const problem = health.data?.find((one) => one.connection_id === connection?.id)?.error;
  const trouble = problem && words.problem(problem.code, problem.message, problem.hint);

  // What a test found is said in the form, beside its button, and not by a notice that would lie over the button.
  const test = useMutation({ mutationFn: (asked: { kind: string; settings: Record<string, unknown>; edge_id: string | null }) => post<ConnectionTest>("/connectors/test", asked) });
  const outcome = useRef<HTMLDivElement>(null);
  useEffect(() => { if (test.isSuccess || test.isError) outcome.current?.scrollIntoView({ block: "center" }); }, [test.isSuccess, test.isError]);
  const finish = useChange(async (v: Map) => {
    const made = connection ?? (await post<FieldConnection>("/connectors", { name: draft?.name, kind: kind?.key, settings: draft?.settings, edge_id: draft?.edge_id ?? null, enabled: true }));
    setConnection(made);
    const fresh = v.way === "new";
    return post<MappedThing>(`/connectors/${made.id}/things`, {
      tags: tags.map((tag) => ({ ...tag, interval_ms: v.interval_ms })),
      ...(fresh ? { device_name: v.device_name, ...(v.model && { model_name: v.model_name }) } : { device_id: v.device_id }),
    });
  }, ["connectors", "devices", "models", "overview"], (made) => { setThing(made); setStep(4); });

  // Nobody can be browsed before somebody has sent, so the connection of a webhook is made first.
  const receive = useChange((found: { name: string; settings: Record<string, unknown> }) => post<FieldConnection>("/connectors", { ...found, kind: "webhook", enabled: true }), ["connectors"], (made, found) => { setConnection(made); setDraft(found); setStep(2); });
  const [looks, setLooks] = useState(0);
  const read = async (): Promise<Draft | null> => {
    try {
      const values = await form.validateFields();
      return kind && { name: values.name, settings: settingsOf(kind, values), ...(values.edge_id && { edge_id: values.edge_id }) };
    } catch {
      return null;
    }
  };
  const runTest = async (): Promise<void> => {
    const found = await read();
    if (found && kind) test.mutate({ kind: kind.key, settings: found.settings, edge_id: found.edge_id ?? null });
  };
  const toTags = async (): Promise<void> => {
    const found = await read();
    if (!found) return;
    const go = (): void => {
      if (kind?.key === "webhook" && !connection) receive.mutate(found);
      else { setDraft(found); setStep(2); }
    };
    if (test.isSuccess && JSON.stringify(test.variables.settings) === JSON.stringify(found.settings) && test.variables.edge_id === (found.edge_id ?? null)) go();
    else void modal.confirm({ title: t.connectors.wizard.untested, okText: t.connectors.wizard.goOn, cancelText: t.common.cancel, onOk: go });
  };
  const take = (found: FoundPeer): void => {
    if (!kind) return;
    form.setFieldsValue({ ...startValues(kind, found.settings), ...(!form.getFieldValue("name") && { name: found.title }) });
    test.reset();
  };
  const back = <Button key="b" onClick={() => { setStep(step - 1); }}>{t.common.back}</Button>;
  const footers: Record<number, JSX.Element[]> = {
    0: [],
    1: [back, <Button key="t" loading={test.isPending} onClick={() => void runTest()}>{t.connectors.wizard.test}</Button>, <Button key="n" type="primary" onClick={() => void toTags()}>{t.common.next}</Button>],
    2: [...(into ? [] : [back]), <span key="c" className="quiet" style={{ marginInline: 12 }}>{tags.length > 0 ? t.connectors.wizard.ticked(tags.length) : t.connectors.wizard.none}</span>, <Button key="n" type="primary" disabled={tags.length === 0} onClick={() => { setStep(3); }}>{t.common.next}</Button>],
    3: [back, <Button key="f" type="primary" loading={finish.isPending} onClick={() => { mapping.submit(); }}>{t.connectors.wizard.finish}</Button>],
    4: [...(thing ? [<Button key="o" onClick={() => void navigate(`/devices/${thing.device_id}`)}>{t.connectors.wizard.open}</Button>] : []), <Button key="d" type="primary" onClick={close}>{t.common.done}</Button>],
  };
  const failed = test.error ? wordsOf(test.error, t) : null;
  return (
    <Modal open onCancel={close} title={into ? t.connectors.addTags : t.connectors.add} width={760} mask={{ closable: false }} footer={footers[step]}>
      <Steps size="small" current={step} responsive={false} style={{ margin: "8px 0 20px" }} items={[t.connectors.wizard.pick, t.connectors.wizard.connect, t.connectors.wizard.tags, t.connectors.wizard.map, t.connectors.wizard.live].map((title, at) => ({ title: at === step ? title : "" }))} />
      {step === 0 && (
        <div className="grid" style={{ gridTemplateColumns: "repeat(auto-fill, minmax(min(220px, 100%), 1fr))", gap: 12 }}>
          {kinds.map((one) => (
            <button key={one.key} type="button" className="card" style={{ display: "flex", flexDirection: "column", gap: 2 }} data-kind={one.key} onClick={() => { test.reset(); setKind(one); setStep(1); form.resetFields(); }}>
              <b>{one.title[language]}</b>
              <div className="small quiet">{one.summary[language]}</div>
              {one.standard && <div className="small faint">{one.standard}</div>}
            </button>
          ))}
        </div>
      )}
      {kind && step === 1 && (
        <Form form={form} layout="vertical" requiredMark={false} initialValues={{ name: draft?.name, edge_id: draft?.edge_id, ...startValues(kind, draft?.settings) }} preserve={false}>
          <p className="small quiet" style={{ marginBlockEnd: 16 }}>{t.connectors.wizard.docs(kind.does_not[language])}</p>
          <Form.Item name="name" label={t.connectors.wizard.name} rules={[{ required: true, message: t.common.required }, { max: 128 }]}><Input autoFocus autoComplete="off" /></Form.Item>
          <EdgeField label={t.edges.runsAt} />
          {kind.capabilities.includes("discover") && <Discover kind={kind} take={take} />}
          {kind.capabilities.includes("seek") && <Seek kind={kind} edgeId={edgeId} take={take} />}
          <KindFields kind={kind} />
          <div ref={outcome} role="status">
            {test.data && <Alert type="success" showIcon icon={<CheckCircleFilled />} title={t.connectors.wizard.tested} description={<><div>{[test.data.identity.vendor, test.data.identity.product, test.data.identity.version, test.data.identity.serial].filter(Boolean).join(" · ")}</div>{test.data.identity.note && <div className="quiet">{test.data.identity.note}</div>}<div className="small quiet">{t.connectors.wizard.testedText(f.number(Math.max(1, Math.round(test.data.open_ms + test.data.latency_ms))))}</div></>} />}
            {failed && <Alert type="error" showIcon title={failed.title} description={failed.hint} />}
          </div>
        </Form>
      )}
      {kind?.key === "webhook" && step === 2 && connection && (
        <Alert
          style={{ marginBottom: 12 }} type="info" showIcon title={t.connectors.wizard.sendTo} action={<Button size="small" onClick={() => { setLooks(looks + 1); }}>{t.connectors.wizard.lookAgain}</Button>}
          description={<><code className="mono small" style={{ wordBreak: "break-all" }}>{`${window.location.origin}/hooks/${connection.id}/${typeof draft?.settings.token === "string" ? draft.settings.token : "…"}`}</code><div className="small quiet">{t.connectors.wizard.sendText}</div></>}
        />
      )}
      {kind && step === 2 && draft && <TagPicker key={looks} kind={kind} peer={connection ? { connection_id: connection.id } : { kind: kind.key, settings: draft.settings, ...(draft.edge_id && { edge_id: draft.edge_id }) }} choose={setTags} />}
      {kind && step === 3 && draft && (
        <Form<Map> form={mapping} layout="vertical" requiredMark={false} initialValues={{ way: "new", device_name: draft.name, model: true, model_name: draft.name, interval_ms: 1000 }} onFinish={(v) => { finish.mutate(v); }}>
          <div className="row wrap" style={{ marginBottom: 12 }}>{tags.slice(0, 12).map((tag) => <Tag key={tag.address}>{tag.name ?? tag.address}</Tag>)}{tags.length > 12 && <Tag>+{tags.length - 12}</Tag>}</div>
          <Form.Item name="way"><Select virtual={false} aria-label={t.connectors.wizard.map} options={[{ value: "new", label: t.connectors.wizard.newDevice }, { value: "old", label: t.connectors.wizard.existing }]} /></Form.Item>
          {way === "new" ? (
            <>
              <Form.Item name="device_name" label={t.connectors.wizard.deviceName} rules={[{ required: true, message: t.common.required }, { max: 128 }]}><Input autoComplete="off" /></Form.Item>
              <Form.Item><label className="row"><Form.Item name="model" valuePropName="checked" noStyle><Switch size="small" /></Form.Item>{t.connectors.wizard.withModel}</label></Form.Item>
              {model && <Form.Item name="model_name" label={t.connectors.wizard.modelName} rules={[{ required: true, message: t.common.required }, { max: 128 }]}><Input autoComplete="off" /></Form.Item>}
            </>
          ) : (
            <Form.Item name="device_id" label={t.connectors.wizard.device} rules={[{ required: true, message: t.common.required }]}><Select showSearch={{ optionFilterProp: "label" }} options={(devices.data ?? []).map((one) => ({ value: one.id, label: one.title ?? one.name }))} /></Form.Item>
          )}
          <Form.Item name="interval_ms" label={t.connectors.wizard.interval} rules={[{ required: true, message: t.common.required }]}><InputNumber min={10} max={86_400_000} step={100} style={{ width: 160 }} /></Form.Item>
        </Form>
      )}
      {step === 4 && connection && (
        <div className="stack tight">
          {trouble ? <Alert type="warning" showIcon title={trouble.title} description={trouble.hint} /> : count === 0 && <Alert type="info" showIcon title={t.connectors.wizard.waiting} />}
          <LivePoints connectionId={connection.id} />
        </div>
      )}
    </Modal>
  );
}
