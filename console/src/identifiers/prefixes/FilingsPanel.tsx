import { DownloadOutlined } from "@ant-design/icons";
import { App, Button, Form, Input, Modal, Select, Tag } from "antd";
import { type JSX, useState } from "react";

import { etagOf, request } from "../../api/client";
import { FILING_STATES, type PrefixDetail, type PrefixFiling } from "../../api/identifiers";
import type { SentFiling } from "../../api/filings";
import { useChange, useMay, useResource } from "../../api/queries";
import { fileOf } from "../../codes/use";
import { useFormat, useText } from "../../i18n";
import { save as saveFile } from "../../parts/files";
import { Empty, Panel } from "../../parts/Page";
import { useComplain } from "../../parts/Problem";
import { FilingTag, ProblemLine } from "../filings/Chain";
import { SentDrawer } from "../filings/SentTab";
import { dayOf, endOfDay } from "./steps";

const COLOURS: Partial<Record<PrefixFiling["state"], string>> = { sent: "processing", accepted: "success", refused: "error" };
interface Fields { node: string; number: string; state: PrefixFiling["state"]; filed: string; answered: string; answer: string }

/** Filings with nodes above, and the document that is sent there. */
export function FilingsPanel({ prefix }: { prefix: PrefixDetail }): JSX.Element {
  const t = useText();
  const f = useFormat();
  const complain = useComplain();
  const files = prefix.allowed.includes("file");
  const [open, setOpen] = useState<PrefixFiling | "new" | null>(null);
  const [chosen, setChosen] = useState<string | null>(null);
  const reads = useMay("filings:read");
  const sent = useResource<{ items: SentFiling[] }>("/filings/sent", { prefix_id: prefix.id, limit: 20 }, { enabled: reads, everyMs: 10_000 });
  const items = sent.data?.items ?? [];
  const shown = items.find((one) => one.id === chosen);
  const take = (format: "csv" | "json"): void => { fileOf(`/prefixes/${prefix.id}/filing-document/file`, { format }).then((file) => { saveFile(`filing-${prefix.prefix}.${format}`, file); }, complain); };
  return (
    <Panel
      title={t.prefixes.filings} flush
      extra={<span className="row wrap" style={{ justifyContent: "flex-end" }}>
        <span className="small quiet">{t.prefixes.filingDocument}</span>
        <Button size="small" icon={<DownloadOutlined />} onClick={() => { take("csv"); }}>CSV</Button><Button size="small" icon={<DownloadOutlined />} onClick={() => { take("json"); }}>JSON</Button>
        {files && <Button size="small" type="primary" onClick={() => { setOpen("new"); }}>{t.prefixes.addFiling}</Button>}
      </span>}
    >
      {prefix.filings.length === 0 && items.length === 0 ? <Empty title={t.prefixes.noFilings} text={t.prefixes.noFilingsText} /> : (
        <div className="insets">
          {prefix.filings.map((one) => (
            <div key={one.id} className="inset row spread wrap" style={{ paddingInline: 16 }}>
              <span className="grow"><b>{one.node}</b>{one.number && <> · <span className="mono">{one.number}</span></>}
                <span className="small quiet" style={{ display: "block" }}>{[one.filed_ms !== null ? `${t.prefixes.filedOn} ${f.date(one.filed_ms)}` : "", one.answered_ms !== null ? `${t.prefixes.answeredOn} ${f.date(one.answered_ms)}` : "", one.answer].filter(Boolean).join(" · ")}</span>
              </span>
              <Tag {...(COLOURS[one.state] && { color: COLOURS[one.state] })}>{t.prefixes.filingStates[one.state]}</Tag>
              {files && <Button size="small" onClick={() => { setOpen(one); }}>{t.common.edit}</Button>}
            </div>
          ))}
          {items.map((one) => (
            <div key={one.id} className="inset" style={{ paddingInline: 16 }} data-testid="sent-filing">
              <button type="button" className="plain" style={{ width: "100%" }} onClick={() => { setChosen(one.id); }}>
                <span className="row spread wrap"><span className="small">{t.filings.events[one.event]} → {one.upper_name} <span className="num quiet">{f.time(one.prepared_ms)}</span></span><FilingTag state={one.state} /></span>
                {one.number && <span className="mono small" style={{ display: "block" }}>{one.number}</span>}
                {one.problem && <ProblemLine problem={one.problem} />}
              </button>
            </div>
          ))}
        </div>
      )}
      {shown && <SentDrawer filing={shown} close={() => { setChosen(null); }} />}
      {open && <FilingBox prefix={prefix} filing={open === "new" ? null : open} close={() => { setOpen(null); }} />}
    </Panel>
  );
}

function FilingBox({ prefix, filing, close }: { prefix: PrefixDetail; filing: PrefixFiling | null; close: () => void }): JSX.Element {
  const t = useText();
  const { message } = App.useApp();
  const [form] = Form.useForm<Fields>();
  const save = useChange(
    ({ filed, answered, ...rest }: Fields) => request(filing ? "PUT" : "POST", `/prefixes/${prefix.id}/filings${filing ? `/${filing.id}` : ""}`, { body: { ...rest, filed_ms: endOfDay(filed), answered_ms: endOfDay(answered) }, etag: etagOf(prefix) }),
    ["prefixes"], () => { void message.success(t.prefixes.done.file); close(); },
  );
  return (
    <Modal open onCancel={close} title={filing ? t.prefixes.editFiling : t.prefixes.addFiling} okText={t.common.save} cancelText={t.common.cancel} confirmLoading={save.isPending} onOk={() => { form.submit(); }}>
      <Form<Fields>
        form={form} layout="vertical" requiredMark={false} onFinish={(fields) => { save.mutate(fields); }}
        initialValues={{ node: filing?.node ?? prefix.parent ?? "", number: filing?.number ?? "", state: filing?.state ?? "sent", filed: dayOf(filing ? filing.filed_ms : Date.now()), answered: dayOf(filing?.answered_ms ?? null), answer: filing?.answer ?? "" }}
      >
        <Form.Item name="node" label={t.prefixes.filingNode} extra={t.prefixes.filingNodeHint} rules={[{ required: true, whitespace: true, message: t.common.required }]}><Input maxLength={200} autoFocus /></Form.Item>
        <div className="grid" style={{ gridTemplateColumns: "repeat(auto-fit, minmax(min(180px, 100%), 1fr))", gap: "0 16px" }}>
          <Form.Item name="state" label={t.prefixes.state}><Select virtual={false} options={FILING_STATES.map((value) => ({ value, label: t.prefixes.filingStates[value] }))} /></Form.Item>
          <Form.Item name="number" label={t.prefixes.filingNumber}><Input className="mono" maxLength={200} /></Form.Item>
          <Form.Item name="filed" label={t.prefixes.filedOn}><Input type="date" /></Form.Item>
          <Form.Item name="answered" label={t.prefixes.answeredOn}><Input type="date" /></Form.Item>
        </div>
        <Form.Item name="answer" label={t.prefixes.answer}><Input.TextArea rows={2} maxLength={2000} /></Form.Item>
      </Form>
    </Modal>
  );
}
