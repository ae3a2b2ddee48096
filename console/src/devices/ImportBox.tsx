import { InboxOutlined } from "@ant-design/icons";
import { Alert, Button, Modal, Table, Upload } from "antd";
import { type JSX, useState } from "react";

import { request } from "../api/client";
import type { ImportReport } from "../api/model";
import { useChange } from "../api/queries";
import { useText } from "../i18n";
import { COLUMNS, csvRow, download, rowsOf } from "./exchange";

/** A CSV file in; a report of what was refused, and why, out. */
export default function ImportBox({ close }: { close: () => void }): JSX.Element {
  const t = useText();
  const [file, setFile] = useState<{ name: string; content: ArrayBuffer; rows: number } | null>(null);
  const send = useChange((content: ArrayBuffer) => request<ImportReport>("POST", "/devices/import", { rawBody: content, contentType: "text/csv" }), ["devices", "places", "overview"]);
  const report = send.data;
  const read = async (chosen: File): Promise<void> => {
    send.reset();
    const content = await chosen.arrayBuffer();
    setFile({ name: chosen.name, content, rows: rowsOf(content) });
  };
  const saveRefused = (): void => {
    if (report) download("refused.csv", [csvRow(["row", "name", "reason"]), ...report.refused.map((r) => csvRow([r.row, r.name, r.reason]))].join("\r\n"));
  };
  return (
    <Modal
      open onCancel={close} title={t.import.title} width={640}
      footer={report ? <Button type="primary" onClick={close}>{t.common.done}</Button> : [
        <Button key="t" type="text" onClick={() => { download("devices.csv", `${COLUMNS.join(",")}\r\n${csvRow(["pump-7", "Cooling pump 7", "", "", "cooling;critical"])}\r\n`); }}>{t.import.template}</Button>,
        <Button key="s" type="primary" disabled={!file || file.rows === 0} loading={send.isPending} onClick={() => { if (file) send.mutate(file.content); }}>{t.import.submit}</Button>,
      ]}
    >
      <div className="stack">
        <p className="quiet">{t.import.text} {t.import.columns}</p>
        {!report && (
          <Upload.Dragger accept=".csv,text/csv" maxCount={1} showUploadList={false} beforeUpload={(chosen) => { void read(chosen); return false; }}>
            <p><InboxOutlined style={{ fontSize: 32, color: "var(--quiet)" }} /></p>
            <p>{file ? `${file.name} · ${t.import.rows(file.rows)}` : t.import.choose}</p>
          </Upload.Dragger>
        )}
        {report && <Alert type={report.refused.length ? "warning" : "success"} showIcon title={t.import.created(report.created)} description={report.refused.length ? t.import.refused(report.refused.length) : undefined} action={report.refused.length ? <Button size="small" onClick={saveRefused}>{t.import.report}</Button> : undefined} />}
        {report && report.refused.length > 0 && <Table size="small" rowKey="row" dataSource={report.refused} pagination={{ pageSize: 8, size: "small" }} columns={[{ title: t.import.row, dataIndex: "row", width: 64 }, { title: t.common.name, dataIndex: "name" }, { title: t.import.reason, dataIndex: "reason" }]} />}
      </div>
    </Modal>
  );
}
