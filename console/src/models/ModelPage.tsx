import { App, Button, Form, Input, Segmented, Select } from "antd";
import { type JSX, useEffect, useState } from "react";
import { useNavigate, useParams } from "react-router";

import { post, remove } from "../api/client";
import type { ThingModel } from "../api/model";
import { useChange, useList, useMay, useResource } from "../api/queries";
import { HistorySection } from "../audit/History";
import { useFormat, useText, useTitle } from "../i18n";
import { Loaded, Page, Panel } from "../parts/Page";
import { documentOf, EMPTY, type ModelDocument, parse, tidy } from "./document";
import { PropertyFields } from "./PropertyFields";

export default function ModelPage(): JSX.Element {
  const { id } = useParams();
  const [version, setVersion] = useState<number | null>(null);
  const latest = useResource<ThingModel>(`/models/${id ?? ""}`, {}, { enabled: id !== undefined });
  const older = useResource<ThingModel>(`/models/${id ?? ""}`, { version }, { enabled: id !== undefined && version !== null });
  if (id === undefined) return <Editor model={null} version={null} choose={setVersion} />;
  const shown = version === null ? latest : older;
  return <Loaded query={shown} rows={8}>{(m) => <Editor key={`${m.id}/${m.version}`} model={m} version={latest.data && m.version !== latest.data.version ? m.version : null} choose={setVersion} />}</Loaded>;
}

function Editor({ model, version, choose }: { model: ThingModel | null; version: number | null; choose: (version: number | null) => void }): JSX.Element {
  const t = useText();
  const f = useFormat();
  const title = useTitle();
  const navigate = useNavigate();
  const { message, modal } = App.useApp();
  const engineer = useMay("models:write");
  const [view, setView] = useState<"form" | "json">("form");
  const [form] = Form.useForm<ModelDocument>();
  const [rest, setRest] = useState<ModelDocument>(model ? documentOf(model) : EMPTY);
  const [json, setJson] = useState("");
  const [fault, setFault] = useState("");
  const versions = useList<{ version: number; created_ms?: number }>(`/models/${model?.id ?? ""}/versions`, {}, { enabled: model !== null });
  const save = useChange((document: ModelDocument) => post<ThingModel>(model ? `/models/${model.id}/versions` : "/models", tidy(document)), ["models", "devices"], (saved) => {
    void message.success(t.common.saved);
    choose(null);
    void navigate(`/models/${saved.id}`);
  });
  const drop = useChange(() => remove(`/models/${model?.id ?? ""}`), ["models"], () => void navigate("/models"), () => undefined);
  useEffect(() => { form.setFieldsValue(rest); }, [form, rest]);

  const read = (): ModelDocument | null => {
    if (view === "form") return { ...rest, ...form.getFieldsValue(true) as ModelDocument };
    try {
      setFault("");
      return parse(json);
    } catch (error) {
      setFault(t.models.jsonInvalid(error instanceof Error ? error.message : String(error)));
      return null;
    }
  };
  const show = (next: "form" | "json"): void => {
    const document = read();
    if (!document) return;
    setRest(document);
    if (next === "json") setJson(JSON.stringify(tidy(document), null, 2));
    setView(next);
  };
  const submit = async (): Promise<void> => {
    if (view === "form") await form.validateFields();
    const document = read();
    if (document) save.mutate(document);
  };
  return (
    <Page
      title={model ? title(model) : t.models.add}
      text={version !== null ? t.models.viewing(version) : undefined}
      actions={<>
        {versions.data && versions.data.length > 0 && <Select aria-label={t.models.versions} value={model?.version ?? null} onChange={(chosen) => { choose(chosen); }} options={versions.data.map((v) => ({ value: v.version, label: `${t.models.version(v.version)}${v.created_ms ? ` · ${f.date(v.created_ms)}` : ""}` }))} style={{ minWidth: 176 }} />}
        {engineer && model && <Button danger onClick={() => { void modal.confirm({ title: t.models.deleteConfirm, okText: t.common.delete, cancelText: t.common.cancel, okButtonProps: { danger: true }, onOk: () => drop.mutateAsync(undefined).catch(() => undefined) }); }}>{t.common.delete}</Button>}
        {engineer && <Button type="primary" loading={save.isPending} onClick={() => { void submit().catch(() => undefined); }}>{model ? t.models.newVersion : t.common.create}</Button>}
      </>}
    >
      <Panel title={<Segmented value={view} onChange={show} options={[{ value: "form", label: t.models.form }, { value: "json", label: t.models.json }]} />} extra={<span className="small quiet">{t.models.count(rest.properties.length)}{rest.events.length > 0 && ` · ${t.models.events} ${rest.events.length}`}{rest.services.length > 0 && ` · ${t.models.services} ${rest.services.length}`}</span>}>
        {view === "form" ? (
          <Form<ModelDocument> form={form} layout="vertical" disabled={!engineer} initialValues={rest} requiredMark={false}>
            <div className="grid" style={{ gridTemplateColumns: "repeat(auto-fit, minmax(220px, 1fr))" }}>
              <Form.Item name="name" label={t.common.name} rules={[{ required: true, message: t.common.required }]}><Input maxLength={128} /></Form.Item>
              <Form.Item name="title" label={`${t.models.titleEn} (${t.common.optional})`}><Input maxLength={200} /></Form.Item>
              <Form.Item name="title_zh" label={`${t.models.titleZh} (${t.common.optional})`}><Input maxLength={200} /></Form.Item>
            </div>
            <PropertyFields />
          </Form>
        ) : (
          <>
            <Input.TextArea className="mono" value={json} readOnly={!engineer} spellCheck={false} autoSize={{ minRows: 16, maxRows: 40 }} aria-label={t.models.json} status={fault ? "error" : ""} onChange={(event) => { setJson(event.target.value); }} />
            {fault && <div role="alert" style={{ color: "var(--critical)", marginTop: 8 }}>{fault}</div>}
          </>
        )}
      </Panel>
      {model && <HistorySection kind="model" id={model.id} />}
    </Page>
  );
}
