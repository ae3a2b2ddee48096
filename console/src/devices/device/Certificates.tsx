import { App, Button, Input, Modal, type TableColumnsType, Upload } from "antd";
import { type JSX, useState } from "react";

import { API, post } from "../../api/client";
import type { Certificate, Device, EnrolmentCode, IssuedCertificate } from "../../api/model";
import { useChange, useList } from "../../api/queries";
import { useFormat, useText } from "../../i18n";
import { CopyButton } from "../../parts/Copy";
import { Listing } from "../../parts/Listing";
import { Empty, Loaded, Panel } from "../../parts/Page";
import { save } from "../../parts/files";

const DOT = { valid: "on", expired: "off", revoked: "off" } as const;

/** The certificates a device proves itself with over TLS: issued from its request, downloaded, revoked. */
export function Certificates({ device }: { device: Device }): JSX.Element {
  const t = useText();
  const f = useFormat();
  const { modal } = App.useApp();
  const path = `/devices/${device.id}/certificates`;
  const [issuing, setIssuing] = useState(false);
  const [code, setCode] = useState<EnrolmentCode | null>(null);
  const certificates = useList<Certificate>(path, {}, { everyMs: 15_000 });
  const makeCode = useChange(() => post<EnrolmentCode>(`${path}/code`, {}), [], setCode);
  const revoke = useChange((id: string) => post(`${path}/${id}/revocation`, { reason: "unspecified" }), ["devices", "certificates"]);
  const ask = (c: Certificate): void => {
    void modal.confirm({ title: t.certificates.revokeConfirm, content: t.certificates.revokeText, okText: t.device.revoke, cancelText: t.common.cancel, okButtonProps: { danger: true }, onOk: () => revoke.mutateAsync(c.id).catch(() => undefined) });
  };
  const state = (c: Certificate): JSX.Element => <span className="mark"><i className={`dot ${DOT[c.state]}`} />{t.certificates.states[c.state]}</span>;
  const until = (c: Certificate): string => (c.revoked_ms === null ? f.time(c.not_after_ms) : f.time(c.revoked_ms));
  const actions = (c: Certificate): JSX.Element => (
    <span className="row">
      <Button size="small" href={`${API}${path}/${c.id}/pem`} download>{t.certificates.download}</Button>
      {c.state === "valid" && <Button size="small" danger onClick={() => { ask(c); }}>{t.device.revoke}</Button>}
    </span>
  );
  const columns: TableColumnsType<Certificate> = [
    { key: "fingerprint", title: t.certificates.fingerprint, render: (_, c) => <span className="mono" title={c.fingerprint}>{c.fingerprint.slice(0, 16)}…</span> },
    { key: "state", title: t.common.status, render: (_, c) => state(c) },
    { key: "until", title: t.certificates.until, render: (_, c) => <span className="num quiet">{until(c)}</span> },
    { key: "origin", title: t.certificates.origin, render: (_, c) => <span className="quiet">{t.certificates.origins[c.origin]}</span> },
    { key: "act", width: 180, render: (_, c) => actions(c) },
  ];
  const card = (c: Certificate): JSX.Element => (
    <div className="inset row spread wrap">
      <span><span className="mono">{c.fingerprint.slice(0, 16)}…</span><div className="small quiet num">{until(c)}</div>{state(c)}</span>
      {actions(c)}
    </div>
  );
  return (
    <>
      <Panel
        title={t.certificates.title} flush
        extra={<span className="row wrap" style={{ justifyContent: "flex-end" }}><Button size="small" loading={makeCode.isPending} onClick={() => { makeCode.mutate(undefined); }}>{t.certificates.code}</Button><Button size="small" onClick={() => { setIssuing(true); }}>{t.certificates.issue}</Button></span>}
      >
        <Loaded query={certificates} rows={2}>
          {(list) => (list.length ? <Listing items={list} columns={columns} rowKey={(c) => c.id} inside card={card} /> : <Empty title={t.certificates.empty} text={t.certificates.emptyText} />)}
        </Loaded>
      </Panel>
      {issuing && <IssueBox device={device} close={() => { setIssuing(false); }} />}
      <Modal open={code !== null} onCancel={() => { setCode(null); }} title={t.certificates.code} footer={<Button type="primary" onClick={() => { setCode(null); }}>{t.common.done}</Button>} mask={{ closable: false }}>
        {code && (
          <div className="stack">
            <p className="quiet">{t.certificates.codeText(f.time(code.expires_ms))}</p>
            <div className="row"><code className="mono grow" style={{ overflowWrap: "anywhere" }}>{code.code}</code><CopyButton text={code.code} /></div>
            <pre className="mono small" style={{ whiteSpace: "pre-wrap", overflowWrap: "anywhere" }}>{enrolment(device, code.code)}</pre>
          </div>
        )}
      </Modal>
    </>
  );
}

const request = (name: string): string => `openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj / -keyout ${name}.key -out ${name}.csr`;
const fileName = (device: Device): string => device.name.replace(/[^\w.-]+/g, "_");
const enrolment = (device: Device, code: string): string =>
  `${request(fileName(device))}\ncurl -u ':${code}' -H 'Content-Type: application/pkcs10' \\\n  --data-binary @${fileName(device)}.csr ${window.location.origin}/.well-known/est/simpleenroll \\\n  | base64 -d | openssl pkcs7 -inform DER -print_certs -out ${fileName(device)}.pem`;

function IssueBox({ device, close }: { device: Device; close: () => void }): JSX.Element {
  const t = useText();
  const [text, setText] = useState("");
  const issue = useChange((csr: string) => post<IssuedCertificate>(`/devices/${device.id}/certificates`, { request: csr }), ["devices", "certificates"]);
  const made = issue.data;
  return (
    <Modal
      open onCancel={close} title={t.certificates.issue} width={640}
      footer={made ? [
        <Button key="d" onClick={() => { save(`${fileName(device)}.pem`, new Blob([made.certificate, made.chain], { type: "application/x-pem-file" })); }}>{t.certificates.download}</Button>,
        <Button key="c" type="primary" onClick={close}>{t.common.done}</Button>,
      ] : <Button type="primary" disabled={!text.trim()} loading={issue.isPending} onClick={() => { issue.mutate(text); }}>{t.certificates.issue}</Button>}
    >
      {made ? (
        <div className="stack"><p>{t.certificates.issued}</p><pre className="mono small" style={{ maxHeight: 240, overflow: "auto" }}>{made.certificate}</pre></div>
      ) : (
        <div className="stack">
          <p className="quiet">{t.certificates.requestText}</p>
          <div className="row"><code className="mono small grow" style={{ overflowWrap: "anywhere" }}>{request(fileName(device))}</code><CopyButton text={request(fileName(device))} /></div>
          <Input.TextArea rows={8} className="mono" aria-label={t.certificates.request} placeholder="-----BEGIN CERTIFICATE REQUEST-----" value={text} onChange={(e) => { setText(e.target.value); }} />
          <Upload accept=".csr,.pem,.req" maxCount={1} showUploadList={false} beforeUpload={(file) => { void file.text().then(setText); return false; }}><Button>{t.certificates.choose}</Button></Upload>
        </div>
      )}
    </Modal>
  );
}
