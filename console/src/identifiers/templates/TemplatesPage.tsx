import { ImportOutlined, PlusOutlined } from "@ant-design/icons";
import { App, Button, Checkbox, Input, Modal, type TableColumnsType, Tag, Upload } from "antd";
import { type JSX, useState } from "react";
import { useNavigate } from "react-router";

import { post } from "../../api/client";
import type { ReadyTemplate, TemplateDocument, TemplateInfo } from "../../api/identifiers";
import { useChange, useMay, usePages, useResource } from "../../api/queries";
import { textOf } from "../../codes/use";
import { useFormat, useText, useTitle } from "../../i18n";
import { SearchField, useFilters } from "../../parts/filters";
import { Listing } from "../../parts/Listing";
import { Empty, Loaded, Page } from "../../parts/Page";
import { parseDocument, tidyDocument } from "./document";

/** Templates of one's organisation and those shared from above; made anew from a ready one, from a file, or from nothing. */
export default function TemplatesPage(): JSX.Element {
  const t = useText();
  const f = useFormat();
  const title = useTitle();
  const navigate = useNavigate();
  const [parameters, set] = useFilters();
  const [adding, setAdding] = useState(false);
  const edits = useMay("templates:edit");
  const text = parameters.get("q") ?? "";
  const retired = parameters.get("retired") === "yes";
  const templates = usePages<TemplateInfo>("/identifier-templates", { q: text, retired: retired ? null : false, limit: 100 });
  const open = (one: TemplateInfo): void => { void navigate(`/identifier-templates/${one.id}`); };
  const shown = (one: TemplateInfo): TemplateDocument => one.draft ?? one.document;
  const marks = (one: TemplateInfo): JSX.Element => <>{one.version === 0 ? <Tag>{t.templates.unpublished}</Tag> : <Tag color="success">{t.templates.version(one.version)}</Tag>}{one.draft && one.version > 0 && <Tag color="processing">{t.templates.hasDraft}</Tag>}{one.retired && <Tag color="warning">{t.templates.retired}</Tag>}</>;
  const columns: TableColumnsType<TemplateInfo> = [
    { key: "name", title: t.templates.name, render: (_, one) => <><button type="button" className="plain" style={{ fontWeight: 600 }} onClick={() => { open(one); }}>{title({ ...shown(one), name: one.name })}</button>{title({ ...shown(one), name: one.name }) !== one.name && <div className="small quiet">{one.name}</div>}</> },
    { key: "fields", title: t.templates.tabs.fields, align: "right", render: (_, one) => <span className="num">{shown(one).fields?.length ?? 0}</span> },
    { key: "marks", title: t.common.status, render: (_, one) => marks(one) },
    { key: "changed", title: t.templates.changed, render: (_, one) => <span className="num quiet">{f.time(one.changed_ms)}</span> },
  ];
  const add = edits && <Button type="primary" icon={<PlusOutlined />} onClick={() => { setAdding(true); }}>{t.templates.add}</Button>;
  return (
    <Page title={t.templates.title} text={t.templates.text} actions={add}>
      <div className="row wrap filters" style={{ marginBottom: 12 }}>
        <SearchField value={text} hint={t.templates.searchHint} search={(q) => { set({ q }); }} />
        <Checkbox checked={retired} onChange={(event) => { set({ retired: event.target.checked ? "yes" : null }); }}>{t.templates.showRetired}</Checkbox>
      </div>
      <Loaded query={templates}>
        {({ items }) => items.length === 0 ? <div className="panel"><Empty title={text === "" ? t.templates.empty : t.templates.noMatch} text={text === "" ? t.templates.emptyText : undefined}>{text === "" && add}</Empty></div> : (
          <Listing
            items={items} columns={columns} rowKey={(one) => one.id} onOpen={open}
            card={(one) => (
              <button type="button" className="card" onClick={() => { open(one); }}>
                <b className="cut" style={{ display: "block" }}>{title({ ...shown(one), name: one.name })}</b>
                <span className="row wrap small quiet" style={{ marginBlockStart: 4 }}>{marks(one)}{t.templates.fields(shown(one).fields?.length ?? 0)}</span>
              </button>
            )}
            more={templates.hasNextPage ? () => void templates.fetchNextPage() : null} loadingMore={templates.isFetchingNextPage}
          />
        )}
      </Loaded>
      {adding && <NewBox close={() => { setAdding(false); }} />}
    </Page>
  );
}

function NewBox({ close }: { close: () => void }): JSX.Element {
  const t = useText();
  const navigate = useNavigate();
  const { message } = App.useApp();
  const zh = useTitle();
  const ready = useResource<ReadyTemplate[]>("/identifier-templates/ready");
  const [chosen, setChosen] = useState<TemplateDocument | null>(null);
  const [name, setName] = useState("");
  const make = useChange((document: TemplateDocument) => post<TemplateInfo>("/identifier-templates", tidyDocument(document)), ["identifier-templates"], (made) => { close(); void navigate(`/identifier-templates/${made.id}`); });
  const choose = (document: TemplateDocument, called: string): void => { setChosen(document); setName(called); };
  const read = async (file: File): Promise<void> => {
    try {
      const document = parseDocument(textOf(await file.arrayBuffer()));
      choose(document, document.name);
    } catch (error) {
      void message.error(t.templates.fileWrong(error instanceof Error ? error.message : String(error)));
    }
  };
  const card = (key: string, document: TemplateDocument, called: string, text: string | undefined): JSX.Element => (
    <button key={key} type="button" className="card" data-ready={key} aria-pressed={chosen === document} style={{ display: "flex", flexDirection: "column", gap: 2, ...(chosen === document && { borderColor: "var(--accent)" }) }} onClick={() => { choose(document, document.name || called); }}>
      <b>{called}</b><span className="small quiet">{text}</span><span className="small faint">{t.templates.fields(document.fields?.length ?? 0)}</span>
    </button>
  );
  return (
    <Modal open onCancel={close} width={760} title={t.templates.add} okText={t.templates.begin} cancelText={t.common.cancel} okButtonProps={{ disabled: chosen === null || name.trim() === "" }} confirmLoading={make.isPending} onOk={() => { if (chosen) make.mutate({ ...chosen, name }); }}>
      <div className="stack">
        <p className="quiet">{t.templates.readyText}</p>
        <Loaded query={ready}>
          {(list) => (
            <div className="tiles" style={{ gridTemplateColumns: "repeat(auto-fill, minmax(min(210px, 100%), 1fr))" }}>
              {list.map(({ key, document }) => card(key, document, zh({ ...document }), zh({ name: "", title: document.description ?? null, title_zh: document.description_zh ?? null })))}
              {card("blank", BLANK, t.templates.blank, t.templates.blankText)}
            </div>
          )}
        </Loaded>
        <div className="row wrap">
          <Input style={{ flex: "1 1 220px" }} maxLength={128} value={name} placeholder={t.templates.newName} aria-label={t.templates.newName} onChange={(event) => { setName(event.target.value); }} />
          <Upload accept=".json,application/json" maxCount={1} showUploadList={false} beforeUpload={(file) => { void read(file); return false; }}><Button icon={<ImportOutlined />}>{t.templates.fromFile}</Button></Upload>
        </div>
      </div>
    </Modal>
  );
}

const BLANK: TemplateDocument = { name: "", fields: [] };
