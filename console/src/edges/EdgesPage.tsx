import { PlusOutlined } from "@ant-design/icons";
import { Alert, Button, Form, Input, Modal, Select, type TableColumnsType } from "antd";
import { type JSX, useState } from "react";
import { useNavigate, useParams } from "react-router";

import { post } from "../api/client";
import type { Edge, EdgeEnrolled, EdgeEnrolment } from "../api/model";
import { useChange, useList, useMay, usePlaces } from "../api/queries";
import { useFormat, useText } from "../i18n";
import { Snippet } from "../parts/Copy";
import { Listing } from "../parts/Listing";
import { useNow } from "../parts/now";
import { Empty, Loaded, Page } from "../parts/Page";
import { EdgeDrawer } from "./EdgeDrawer";
import { EdgeState, Lacks, lagOf } from "./marks";
import { Releases } from "./Releases";

/** Nodes below this one: how each is, what waits there, and how another joins. */
export default function EdgesPage(): JSX.Element {
  const t = useText();
  const f = useFormat();
  const go = useNavigate();
  const now = useNow();
  const { id } = useParams();
  const may = useMay("edges:write");
  const mayUpgrade = useMay("edges:upgrade");
  const edges = useList<Edge>("/edges", {}, { everyMs: 3000 });
  const [adding, setAdding] = useState(false);
  const [code, setCode] = useState<EdgeEnrolment | null>(null);
  const add = may && <Button type="primary" icon={<PlusOutlined />} onClick={() => { setAdding(true); }}>{t.edges.enrol}</Button>;
  const waiting = (e: Edge): JSX.Element => <span className="num">{e.status ? f.number(e.status.backlog_messages) : "–"}</span>;
  const lag = (e: Edge): string => { const ms = lagOf(e, now); return ms === null ? "–" : f.duration(ms); };
  const columns: TableColumnsType<Edge> = [
    { title: t.edges.name, key: "name", render: (_, e) => <><button type="button" className="plain" style={{ fontWeight: 500 }} onClick={() => { void go(`/edges/${e.id}`); }}>{e.name}</button>{e.place_path && <div className="small faint">{e.place_path}</div>}</> },
    { title: t.edges.state, key: "state", render: (_, e) => <EdgeState edge={e} /> },
    { title: t.edges.devices, key: "devices", align: "right", render: (_, e) => <span className="num">{f.number(e.devices)}</span> },
    { title: t.edges.backlog, key: "backlog", align: "right", render: (_, e) => waiting(e) },
    { title: t.edges.lag, key: "lag", align: "right", render: (_, e) => <span className="num">{lag(e)}</span> },
    { title: t.edges.rtt, key: "rtt", align: "right", render: (_, e) => <span className="num">{e.status?.rtt_ms == null ? "–" : `${f.number(e.status.rtt_ms)} ms`}</span> },
    { title: t.edges.version, key: "version", render: (_, e) => <span className="num">{e.status?.version ?? "–"}</span> },
    { title: t.edges.lacks, key: "lacks", render: (_, e) => <Lacks edge={e} /> },
  ];
  return (
    <Page title={t.edges.title} text={t.edges.text} actions={add}>
      <Loaded query={edges}>
        {(list) => list.length === 0
          ? <div className="panel"><Empty title={t.edges.empty} text={t.edges.emptyText}>{add}</Empty></div>
          : <Listing
              items={list} columns={columns} rowKey={(e) => e.id} onOpen={(e) => { void go(`/edges/${e.id}`); }}
              card={(e) => (
                <button type="button" className="card" style={{ width: "100%", textAlign: "left", font: "inherit", color: "inherit" }} onClick={() => { void go(`/edges/${e.id}`); }}>
                  <div className="row spread"><b>{e.name}</b><EdgeState edge={e} /></div>
                  <div className="row spread small"><span>{t.devices.count(e.devices)}</span><span>{t.edges.backlog} {waiting(e)} · {t.edges.lag} {lag(e)}</span></div>
                  <Lacks edge={e} />
                </button>
              )}
            />}
      </Loaded>
      {mayUpgrade && <Releases edges={edges.data ?? []} />}
      {adding && <EnrolBox close={() => { setAdding(false); }} made={(made) => { setAdding(false); setCode(made.enrolment); }} />}
      {code && <CodeBox enrolment={code} close={() => { setCode(null); }} />}
      {id !== undefined && <EdgeDrawer id={id} showCode={setCode} close={() => { void go("/edges"); }} />}
    </Page>
  );
}

function EnrolBox({ close, made }: { close: () => void; made: (made: EdgeEnrolled) => void }): JSX.Element {
  const t = useText();
  const places = usePlaces();
  const [form] = Form.useForm<{ name: string; place_id?: string }>();
  const save = useChange((v: { name: string; place_id?: string }) => post<EdgeEnrolled>("/edges", { name: v.name.trim(), place_id: v.place_id ?? null }), ["edges"], (answer: EdgeEnrolled, _) => { made(answer); });
  return (
    <Modal open title={t.edges.enrol} okText={t.edges.enrol} cancelText={t.common.cancel} confirmLoading={save.isPending} onCancel={close} onOk={() => { form.submit(); }}>
      <Form form={form} layout="vertical" requiredMark={false} onFinish={(v) => { save.mutate(v); }}>
        <Form.Item name="name" label={t.edges.name} rules={[{ required: true, whitespace: true, message: t.common.required }]}><Input maxLength={128} autoFocus /></Form.Item>
        <Form.Item name="place_id" label={t.edges.place}><Select allowClear options={(places.data ?? []).map((p) => ({ value: p.id, label: p.path }))} showSearch={{ optionFilterProp: "label" }} /></Form.Item>
      </Form>
    </Modal>
  );
}

/** The command to type, shown this once. */
function CodeBox({ enrolment, close }: { enrolment: EdgeEnrolment; close: () => void }): JSX.Element {
  const t = useText();
  const f = useFormat();
  return (
    <Modal open title={t.edges.code} onCancel={close} footer={<Button type="primary" onClick={close}>{t.common.close}</Button>}>
      <div className="stack tight">
        <p>{t.edges.codeText}</p>
        <Snippet text={enrolment.command} />
        <p>{t.edges.up}</p>
        <Snippet text="millwright edge up" />
        <Alert type="info" showIcon title={t.edges.codeEnds(f.time(enrolment.expires_ms))} />
      </div>
    </Modal>
  );
}
