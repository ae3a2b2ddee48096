import { App, Button, Form, InputNumber, Modal, Select, Upload } from "antd";
import { type JSX, useState } from "react";

import { post, remove, request } from "../api/client";
import type { Edge, EdgeRelease, EdgeRollout } from "../api/model";
import { useChange, useList } from "../api/queries";
import { useFormat, useText } from "../i18n";

const PART_BYTES = 8 * 1024 * 1024;

/** Sends wheels part by part, then makes a version of them. @throws ProblemError */
async function addVersion(files: readonly File[], told: (share: number) => void): Promise<EdgeRelease> {
  const total = files.reduce((sum, file) => sum + file.size, 0);
  let before = 0;
  for (const file of files) {
    for (let offset = 0; offset < file.size || offset === 0; offset += PART_BYTES) {
      await request("PUT", `/edge-releases/files/${encodeURIComponent(file.name)}`, { query: { offset }, rawBody: file.slice(offset, offset + PART_BYTES), contentType: "application/octet-stream" });
      told((before + Math.min(offset + PART_BYTES, file.size)) / Math.max(total, 1));
    }
    before += file.size;
  }
  return post<EdgeRelease>("/edge-releases", { files: files.map((file) => file.name) });
}

/** Versions on the shelf, and how far their roll-outs are. */
export function Releases({ edges }: { edges: readonly Edge[] }): JSX.Element {
  const t = useText();
  const f = useFormat();
  const { modal } = App.useApp();
  const releases = useList<EdgeRelease>("/edge-releases", {});
  const rollouts = useList<EdgeRollout>("/edge-rollouts", {}, { everyMs: 3000 });
  const [share, setShare] = useState<number | null>(null);
  const [chosen, setChosen] = useState<EdgeRelease | null>(null);
  const add = useChange((files: readonly File[]) => addVersion(files, setShare).finally(() => { setShare(null); }), ["edge-releases"]);
  const drop = useChange((id: string) => remove(`/edge-releases/${id}`), ["edge-releases", "edge-rollouts"]);
  const stop = useChange((id: string) => post<EdgeRollout>(`/edge-rollouts/${id}/stop`), ["edge-rollouts"]);
  return (
    <section className="panel" style={{ marginTop: 24 }} aria-label={t.releases.title}>
      <header className="wrap">
        <h2>{t.releases.title}</h2>
        <span className="grow" />
        <Upload accept=".whl" multiple showUploadList={false} beforeUpload={(file, all) => { if (file === all.at(-1)) add.mutate(all); return false; }}>
          <Button loading={add.isPending}>{share === null ? t.releases.add : t.releases.adding(`${Math.floor(share * 100)} %`)}</Button>
        </Upload>
      </header>
      <div className="panel-body">
      <p className="small faint" style={{ marginTop: 0 }}>{t.releases.text}</p>
      {(releases.data ?? []).length === 0 && <p className="small">{t.releases.none}</p>}
      {(releases.data ?? []).map((each) => (
        <div key={each.id} className="row spread wrap" style={{ padding: "6px 0" }}>
          <span><b className="num">{each.version}</b> <span className="small faint">{f.bytes(each.bytes)} · {f.time(each.created_ms)}</span></span>
          <span className="row">
            <Button size="small" disabled={edges.length === 0} onClick={() => { setChosen(each); }}>{t.releases.rollOut}</Button>
            <Button size="small" type="text" danger onClick={() => { void modal.confirm({ title: t.releases.removeTitle(each.version), okText: t.releases.remove, okButtonProps: { danger: true }, cancelText: t.common.cancel, onOk: () => { drop.mutate(each.id); } }); }}>{t.releases.remove}</Button>
          </span>
        </div>
      ))}
      {(rollouts.data ?? []).slice(0, 5).map((each) => (
        <div key={each.id} style={{ padding: "8px 0" }} data-rollout={each.state}>
          <div className="row spread wrap">
            <span><b className="num">{each.version}</b> {t.releases.states[each.state] ?? each.state} <span className="small faint">{f.time(each.created_ms)}</span></span>
            {each.state === "running" && <Button size="small" onClick={() => { stop.mutate(each.id); }}>{t.releases.stop}</Button>}
          </div>
          {each.edges.map((edge) => (
            <div key={edge.edge_id} className="small">{edge.group + 1}. {edge.name}: {t.releases.progress[edge.progress] ?? edge.progress}{edge.why && <span style={{ color: "var(--warn)" }}> {edge.why}</span>}</div>
          ))}
        </div>
      ))}
      </div>
      {chosen && <RollOutBox release={chosen} edges={edges} close={() => { setChosen(null); }} />}
    </section>
  );
}

interface Chosen { canary: string[]; rest?: string[]; trial_s: number; settle_s: number }

function RollOutBox({ release, edges, close }: { release: EdgeRelease; edges: readonly Edge[]; close: () => void }): JSX.Element {
  const t = useText();
  const [form] = Form.useForm<Chosen>();
  const begin = useChange((v: Chosen) => {
    const rest = (v.rest ?? []).filter((id) => !v.canary.includes(id));
    return post<EdgeRollout>("/edge-rollouts", { release_id: release.id, groups: [v.canary, ...(rest.length ? [rest] : [])], trial_s: v.trial_s, settle_s: v.settle_s });
  }, ["edge-rollouts"], (_made: EdgeRollout, _) => { close(); });
  const options = edges.filter((each) => each.state !== "revoked").map((each) => ({ value: each.id, label: each.name }));
  return (
    <Modal open title={`${t.releases.rollOut} ${release.version}`} okText={t.releases.rollOut} cancelText={t.common.cancel} confirmLoading={begin.isPending} onCancel={close} onOk={() => { form.submit(); }}>
      <Form form={form} layout="vertical" requiredMark={false} initialValues={{ trial_s: 300, settle_s: 180 }} onFinish={(v) => { begin.mutate(v); }}>
        <Form.Item name="canary" label={t.releases.canary} rules={[{ required: true, message: t.common.required }]}><Select mode="multiple" options={options} placeholder={t.releases.choose} showSearch={{ optionFilterProp: "label" }} /></Form.Item>
        <Form.Item name="rest" label={t.releases.rest}><Select mode="multiple" allowClear options={options} showSearch={{ optionFilterProp: "label" }} /></Form.Item>
        <Form.Item name="trial_s" label={t.releases.trial}><InputNumber min={5} max={7200} /></Form.Item>
        <Form.Item name="settle_s" label={t.releases.settle}><InputNumber min={1} max={86400} /></Form.Item>
      </Form>
    </Modal>
  );
}
