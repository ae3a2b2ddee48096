import { DownOutlined } from "@ant-design/icons";
import { Alert, App, Button, Dropdown, Input, Tabs, Tag } from "antd";
import { type JSX, useEffect, useState } from "react";
import { Link, useNavigate, useParams } from "react-router";

import { etagOf, request } from "../../api/client";
import type { TemplateDocument, TemplateInfo } from "../../api/identifiers";
import { useChange, useMay, useResource } from "../../api/queries";
import { HistorySection } from "../../audit/History";
import { useText, useTitle } from "../../i18n";
import { save as saveFile } from "../../parts/files";
import { useFilters } from "../../parts/filters";
import { Loaded, Page, Panel } from "../../parts/Page";
import { FieldTable } from "./FieldTable";
import { TryPanel } from "./TryPanel";
import { VersionsPanel } from "./VersionsPanel";
import { faultsOf, parseDocument, tidyDocument } from "./document";

/** One template: its fields, tried and published in versions. */
export default function TemplatePage(): JSX.Element {
  const { id } = useParams();
  const t = useText();
  const template = useResource<TemplateInfo>(`/identifier-templates/${id ?? ""}`);
  if (!template.data || (template.error && !template.isFetching)) return <Page title={t.templates.document}><Loaded query={template} rows={8}>{() => null}</Loaded></Page>;
  return <Editor key={template.data.id} template={template.data} />;
}

const textIn = (document: TemplateDocument): string => JSON.stringify(tidyDocument(document), null, 2);

function Editor({ template }: { template: TemplateInfo }): JSX.Element {
  const t = useText();
  const title = useTitle();
  const navigate = useNavigate();
  const { message, modal } = App.useApp();
  const [parameters, set] = useFilters();
  const edits = useMay("templates:edit");
  const kept = template.draft ?? template.document;
  const [document, setDocument] = useState<TemplateDocument>(kept);
  const [json, setJson] = useState(() => textIn(kept));
  const [fault, setFault] = useState("");
  const tab = parameters.get("tab") ?? "fields";
  const changed = textIn(document) !== textIn(kept);
  const faulty = faultsOf(document.fields ?? []).size > 0 || document.name.trim() === "" || fault !== "";
  // What was saved, here or by somebody else, takes the place of what is shown: a change that rests on less is refused anyway.
  useEffect(() => { setDocument(kept); setJson(textIn(kept)); setFault(""); }, [template.revision]); // eslint-disable-line react-hooks/exhaustive-deps -- the revision stands for the document
  const path = `/identifier-templates/${template.id}`;
  const send = (method: string, rest: string, body?: unknown): Promise<TemplateInfo> => request<TemplateInfo>(method, `${path}${rest}`, { etag: etagOf(template), ...(body !== undefined && { body }) });
  const save = useChange(() => send("PUT", "/draft", tidyDocument(document)), ["identifier-templates"], () => { void message.success(t.common.saved); });
  const act = useChange(({ method, rest }: { method: string; rest: string; said: string }) => send(method, rest, method === "POST" ? {} : undefined), ["identifier-templates"], (_, { said }) => { void message.success(said); });
  const drop = useChange(() => request("DELETE", path), ["identifier-templates"], () => void navigate("/identifier-templates"));
  const edit = (next: TemplateDocument): void => { setDocument(next); setJson(textIn(next)); setFault(""); };
  const type = (text: string): void => {
    setJson(text);
    try {
      setDocument(parseDocument(text));
      setFault("");
    } catch (error) {
      setFault(error instanceof Error ? error.message : String(error));
    }
  };
  const ask = (what: string, text: string, run: () => Promise<unknown>, danger = false): void => {
    void modal.confirm({ title: what, content: text, okText: what, cancelText: t.common.cancel, okButtonProps: { danger }, onOk: () => run().catch(() => undefined) });
  };
  const items = [
    { key: "export", label: t.templates.exportJson },
    ...(edits && template.draft && template.version > 0 ? [{ key: "discard", label: t.templates.discard }] : []),
    ...(edits && template.version > 0 ? [template.retired ? { key: "restore", label: t.templates.restore } : { key: "retire", label: t.templates.retire }] : []),
    ...(edits && template.version === 0 ? [{ key: "delete", label: t.common.delete, danger: true }] : []),
  ];
  const choose = (key: string): void => {
    if (key === "export") saveFile(`${document.name}${template.version > 0 && !template.draft && !changed ? `-v${template.version}` : ""}.json`, new Blob([textIn(document)], { type: "application/json" }));
    if (key === "discard") ask(t.templates.discard, t.templates.discardText, () => act.mutateAsync({ method: "DELETE", rest: "/draft", said: t.common.deleted }));
    if (key === "retire") ask(t.templates.retire, t.templates.retireText, () => act.mutateAsync({ method: "POST", rest: "/retire", said: t.templates.retiredDone }));
    if (key === "restore") act.mutate({ method: "POST", rest: "/restore", said: t.common.saved });
    if (key === "delete") ask(t.common.delete, t.templates.remove, () => drop.mutateAsync(undefined), true);
  };
  const name = title({ ...document, name: document.name || template.name });
  return (
    <Page
      title={name} text={<Link to="/identifier-templates">{t.templates.title}</Link>}
      lead={<>{template.version === 0 ? <Tag>{t.templates.unpublished}</Tag> : <Tag color="success">{t.templates.version(template.version)}</Tag>}{template.draft && <Tag color="processing">{t.templates.hasDraft}</Tag>}{template.retired && <Tag color="warning">{t.templates.retired}</Tag>}{changed && <Tag color="warning">{t.templates.unsaved}</Tag>}</>}
      actions={<>
        <Dropdown trigger={["click"]} menu={{ items, onClick: ({ key }) => { choose(key); } }}><Button>{t.common.more} <DownOutlined /></Button></Dropdown>
        {edits && <Button type={changed ? "primary" : "default"} disabled={!changed || faulty} loading={save.isPending} onClick={() => { save.mutate(undefined); }}>{t.templates.saveDraft}</Button>}
        {edits && <Button type={changed ? "default" : "primary"} disabled={changed || !template.draft} onClick={() => { ask(t.templates.publish, t.templates.publishText(template.version + 1), () => act.mutateAsync({ method: "POST", rest: "/publish", said: t.templates.published })); }}>{t.templates.publish}</Button>}
      </>}
    >
      {edits && !template.draft && !changed && <Alert type="info" showIcon title={t.templates.viewsPublished} style={{ marginBlockEnd: 12 }} />}
      <Tabs
        activeKey={tab} onChange={(key) => { set({ tab: key === "fields" ? null : key }); }}
        items={[
          { key: "fields", label: t.templates.tabs.fields, children: <div className="stack"><Head document={document} change={edit} edits={edits} /><FieldTable document={document} published={template.version > 0 ? template.document : null} change={(fields) => { edit({ ...document, fields }); }} edits={edits} /></div> },
          { key: "try", label: t.templates.tabs.try, children: <TryPanel template={template} changed={changed} /> },
          { key: "versions", label: t.templates.tabs.versions, children: <VersionsPanel template={template} /> },
          {
            key: "json", label: t.templates.tabs.json, children: (
              <Panel>
                <Input.TextArea className="mono" value={json} readOnly={!edits} spellCheck={false} autoSize={{ minRows: 16, maxRows: 40 }} aria-label={t.templates.tabs.json} status={fault ? "error" : ""} onChange={(event) => { type(event.target.value); }} />
                {fault && <div role="alert" style={{ color: "var(--critical)", marginTop: 8 }}>{t.templates.fileWrong(fault)}</div>}
              </Panel>
            ),
          },
        ]}
      />
      <HistorySection kind="identifier_template" id={template.id} />
    </Page>
  );
}

function Head({ document, change, edits }: { document: TemplateDocument; change: (next: TemplateDocument) => void; edits: boolean }): JSX.Element {
  const t = useText();
  const field = (key: "name" | "title" | "title_zh" | "description" | "description_zh", label: string, most: number): JSX.Element => (
    <label className="stack" style={{ gap: 4 }}><span className="label">{label}</span><Input readOnly={!edits} maxLength={most} value={document[key] ?? ""} status={key === "name" && document.name.trim() === "" ? "error" : ""} onChange={(event) => { change({ ...document, [key]: event.target.value }); }} /></label>
  );
  return (
    <Panel>
      <div className="grid" style={{ gridTemplateColumns: "repeat(auto-fit, minmax(min(200px, 100%), 1fr))", gap: 12 }}>
        {field("name", t.templates.name, 128)}{field("title", t.templates.titleEn, 128)}{field("title_zh", t.templates.titleZh, 128)}{field("description", t.templates.description, 1000)}{field("description_zh", t.templates.descriptionZh, 1000)}
      </div>
    </Panel>
  );
}
