import { Alert, Form, Input, InputNumber, Modal } from "antd";
import type { JSX } from "react";

import { post } from "../api/client";
import type { NetworkReport, NetworkScan } from "../api/model";
import { useChange } from "../api/queries";
import { useFormat, useText } from "../i18n";

/** Asks which private subnet to scan. */
export function ScanBox({ siteId, report, close }: { siteId: string; report: NetworkReport; close: () => void }): JSX.Element {
  const t = useText();
  const [form] = Form.useForm<{ subnet: string; per_s: number }>();
  const start = useChange((v: { subnet: string; per_s: number }) => post(`/networks/${siteId}/scans`, v), ["networks"], close);
  const near = report.routes.find((r) => r.family === 4 && r.prefix >= 22 && !r.gateway);
  return (
    <Modal open title={t.networks.scan} okText={t.networks.scanStart} cancelText={t.common.cancel} confirmLoading={start.isPending} onCancel={close} onOk={() => { form.submit(); }}>
      <p className="quiet" style={{ marginBlockEnd: 12 }}>{t.networks.scanText}</p>
      <Form form={form} layout="vertical" requiredMark={false} initialValues={{ subnet: near ? `${near.destination}/${near.prefix}` : "", per_s: 20 }} onFinish={(v) => { start.mutate(v); }}>
        <Form.Item name="subnet" label={t.networks.subnet} rules={[{ required: true, whitespace: true, message: t.common.required }]}><Input maxLength={64} autoFocus placeholder="192.168.10.0/24" /></Form.Item>
        <Form.Item name="per_s" label={t.networks.perS}><InputNumber min={1} max={100} /></Form.Item>
      </Form>
    </Modal>
  );
}

/** How far the last scan is, and whom it found. */
export function ScanOutcome({ scan }: { scan: NetworkScan }): JSX.Element {
  const t = useText();
  const f = useFormat();
  const done = scan.state === "done";
  const title = scan.state === "failed" ? t.networks.scanFailed : done ? t.networks.scanFound(scan.found.length) : t.networks.scanning(scan.asked, scan.of);
  const hosts = scan.found.map((each) => `${each.address}${each.latency_ms === null ? "" : ` (${f.number(each.latency_ms)} ms)`}${each.mac ? ` ${each.mac}` : ""}`);
  return <Alert type={scan.state === "failed" ? "warning" : "info"} showIcon title={`${scan.subnet}: ${title}`} description={scan.error || (hosts.length > 0 && <details><summary>{t.common.details}</summary>{hosts.map((each) => <div key={each} className="num small">{each}</div>)}</details>)} />;
}
