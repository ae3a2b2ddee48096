import { DownloadOutlined, InboxOutlined } from "@ant-design/icons";
import { Alert, App, Button, Checkbox, Modal, Table, Upload } from "antd";
import { type JSX, useState } from "react";

import { request } from "../api/client";
import type { ImportReport, IssuedCredential } from "../api/model";
import { useChange } from "../api/queries";
import { useText } from "../i18n";
import { useNodeWords } from "../i18n/node";
import { CopyButton } from "../parts/Copy";
import { COLUMNS, csvOf, csvRow, download, rowsOf } from "./exchange";

const tokensCsv = (issued: readonly IssuedCredential[]): string => csvOf(["name", "device_id", "token"], issued.map((one) => [one.username, one.device_id, one.token]));

/** A CSV file in; the tokens of the new devices out, once, and a report of what was refused and why. */
export default function ImportBox({ close }: { close: () => void }): JSX.Element {
  const t = useText();
  const words = useNodeWords();
  const { modal } = App.useApp();
  const [file, setFile] = useState<{ name: string; content: ArrayBuffer; rows: number } | null>(null);
  const [issue, setIssue] = useState(true);
  const [saved, setSaved] = useState(false);
  const send = useChange((content: ArrayBuffer) => request<ImportReport>("POST", "/devices/import", { query: { issue }, rawBody: content, contentType: "text/csv" }), ["devices", "places", "overview"]);
  const report = send.data;
  const unsaved = !saved && (report?.credentials.length ?? 0) > 0;
  const leave = (): void => {
    if (unsaved) void modal.confirm({ title: t.import.leaveConfirm, content: t.import.leaveText, okText: t.import.leave, cancelText: t.import.stay, okButtonProps: { danger: true }, onOk: close });
    else close();
  };
  const read = async (chosen: File): Promise<void> => {
    send.reset();
    const content = await chosen.arrayBuffer();
    setFile({ name: chosen.name, content, rows: rowsOf(content) });
  };
  const saveRefused = (): void => {
    if (report) download("refused.csv", csvOf(["row", "name", "reason"], report.refused.map((r) => [r.row, r.name, r.reason])));
  };
  return (
    <Modal
      open onCancel={leave} title={t.import.title} width={640} mask={{ closable: !unsaved }}
      footer={report ? <Button type={unsaved ? "default" : "primary"} onClick={leave}>{t.common.done}</Button> : [
        <Button key="t" type="text" onClick={() => { download("devices.csv", `${COLUMNS.join(",")}\r\n${csvRow(["pump-7", "Cooling pump 7", "", "", "cooling;critical"])}\r\n`); }}>{t.import.template}</Button>,
        <Button key="s" type="primary" disabled={!file || file.rows === 0} loading={send.isPending} onClick={() => { if (file) send.mutate(file.content); }}>{t.import.submit}</Button>,
      ]}
    >
      <div className="stack">
        {!report && <>
          <p className="quiet">{t.import.text} {t.import.columns}</p>
          <Upload.Dragger accept=".csv,text/csv" maxCount={1} showUploadList={false} beforeUpload={(chosen) => { void read(chosen); return false; }}>
            <p><InboxOutlined style={{ fontSize: 32, color: "var(--quiet)" }} /></p>
            <p>{file ? `${file.name} · ${t.import.rows(file.rows)}` : t.import.choose}</p>
          </Upload.Dragger>
          <div><Checkbox checked={issue} onChange={(event) => { setIssue(event.target.checked); }}>{t.import.issue}</Checkbox><div className="small quiet" style={{ marginInlineStart: 24 }}>{t.import.issueHint}</div></div>
        </>}
        {report && <Alert type={report.refused.length ? "warning" : "success"} showIcon title={t.import.created(report.created)} description={report.refused.length ? t.import.refused(report.refused.length) : undefined} action={report.refused.length ? <Button size="small" onClick={saveRefused}>{t.import.report}</Button> : undefined} />}
        {report && report.credentials.length > 0 && <Issued issued={report.credentials} saved={saved} save={() => { setSaved(true); }} />}
        {report && report.refused.length > 0 && <Table size="small" rowKey="row" dataSource={report.refused} pagination={{ pageSize: 8, size: "small", hideOnSinglePage: true }} columns={[{ title: t.import.row, dataIndex: "row", width: 64 }, { title: t.common.name, dataIndex: "name" }, { title: t.import.reason, dataIndex: "reason", render: (text: string, r) => words.problem(r.code, text, "").title }]} />}
      </div>
    </Modal>
  );
}

/** The tokens just issued: to be taken away now, because the node keeps only their hashes. */
function Issued({ issued, saved, save }: { issued: readonly IssuedCredential[]; saved: boolean; save: () => void }): JSX.Element {
  const t = useText();
  const text = tokensCsv(issued);
  return (
    <div className="stack" style={{ gap: 12 }} data-testid="issued">
      <Alert type={saved ? "info" : "warning"} showIcon title={t.import.tokens(issued.length)} description={t.import.tokensOnce} />
      <div className="row wrap">
        <Button type={saved ? "default" : "primary"} icon={<DownloadOutlined />} onClick={() => { download("device-tokens.csv", text); save(); }}>{t.import.downloadTokens}</Button>
        <CopyButton text={text} label={t.import.copyTokens} size="middle" done={save} />
      </div>
      <Table
        size="small" rowKey="device_id" dataSource={[...issued]} pagination={{ pageSize: 5, size: "small", hideOnSinglePage: true, showSizeChanger: false }} scroll={{ x: "max-content" }}
        columns={[{ title: t.common.name, dataIndex: "username" }, { title: t.wizard.token, dataIndex: "token", render: (token: string) => <span className="mono small">{token}</span> }]}
      />
    </div>
  );
}
