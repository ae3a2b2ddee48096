import { DeleteOutlined, DownloadOutlined, EyeOutlined, UploadOutlined } from "@ant-design/icons";
import { App, Button, Modal, Spin, Upload } from "antd";
import { useQuery } from "@tanstack/react-query";
import { type JSX, useEffect, useState } from "react";

import { remove, request } from "../../api/client";
import type { PrefixDetail, PrefixDocument } from "../../api/identifiers";
import { useChange } from "../../api/queries";
import { fileOf, textOf } from "../../codes/use";
import { useFormat, useText } from "../../i18n";
import { save } from "../../parts/files";
import { Empty, Panel } from "../../parts/Page";
import { ProblemView, useComplain } from "../../parts/Problem";

/** What is shown here; a program for the others is not the page's to start. */
const isShown = (one: PrefixDocument): boolean => one.media_type.startsWith("image/") || one.media_type.startsWith("text/");
const MOST_TEXT = 200_000;

/** The files that belong to a prefix: added while the form can change, or as evidence by who decides. */
export function DocumentsPanel({ prefix }: { prefix: PrefixDetail }): JSX.Element {
  const t = useText();
  const f = useFormat();
  const { modal } = App.useApp();
  const complain = useComplain();
  const [shown, setShown] = useState<PrefixDocument | null>(null);
  const edits = prefix.allowed.includes("change");
  const decides = prefix.allowed.includes("certify");
  const path = `/prefixes/${prefix.id}/documents`;
  const add = useChange((file: File) => request<PrefixDocument>("POST", edits ? path : `/prefixes/${prefix.id}/evidence`, { query: { name: file.name }, rawBody: file, contentType: "application/octet-stream" }), ["prefixes"]);
  const drop = useChange((one: PrefixDocument) => remove(`${path}/${one.id}`), ["prefixes"]);
  const ask = (one: PrefixDocument): void => { void modal.confirm({ title: t.prefixes.removeDocument, content: one.name, okText: t.common.delete, cancelText: t.common.cancel, okButtonProps: { danger: true }, onOk: () => drop.mutateAsync(one).catch(() => undefined) }); };
  const take = (one: PrefixDocument): void => { fileOf(`${path}/${one.id}`).then((file) => { save(one.name, file); }, complain); };
  const send = (file: File): false => { add.mutate(file); return false; };
  const upload = (edits || decides) && <Upload multiple showUploadList={false} beforeUpload={send}><Button size="small" icon={<UploadOutlined />} loading={add.isPending}>{t.prefixes.addDocument}</Button></Upload>;
  return (
    <Panel title={t.prefixes.documents} extra={upload} flush>
      {prefix.documents.length === 0
        ? edits ? <Upload.Dragger multiple showUploadList={false} beforeUpload={send} style={{ border: 0, background: "none" }}><Empty title={t.prefixes.noDocuments} text={`${t.prefixes.noDocumentsText} ${t.prefixes.dropDocument}`} /></Upload.Dragger> : <Empty title={t.prefixes.noDocuments} text={t.prefixes.noDocumentsText} />
        : (
          <div className="insets">
            {prefix.documents.map((one) => (
              <div key={one.id} className="inset row" style={{ paddingInline: 16 }} data-document={one.name}>
                <span className="grow"><span style={{ overflowWrap: "anywhere" }}>{one.name}</span><span className="small quiet" style={{ display: "block" }}>{f.bytes(one.size)} · {t.prefixes.added(one.added_by, f.time(one.added_ms))}</span></span>
                {isShown(one) && <Button type="text" icon={<EyeOutlined />} aria-label={`${t.prefixes.preview}: ${one.name}`} onClick={() => { setShown(one); }} />}
                <Button type="text" icon={<DownloadOutlined />} aria-label={`${t.common.download}: ${one.name}`} onClick={() => { take(one); }} />
                {edits && <Button type="text" icon={<DeleteOutlined />} aria-label={`${t.common.delete}: ${one.name}`} onClick={() => { ask(one); }} />}
              </div>
            ))}
          </div>
        )}
      {shown && <Preview path={`${path}/${shown.id}`} document={shown} close={() => { setShown(null); }} />}
    </Panel>
  );
}

function Preview({ path, document, close }: { path: string; document: PrefixDocument; close: () => void }): JSX.Element {
  const t = useText();
  const picture = document.media_type.startsWith("image/");
  const file = useQuery({ queryKey: ["prefix-document", path], queryFn: () => fileOf(path), staleTime: Infinity });
  const [address, setAddress] = useState<string | null>(null);
  const [text, setText] = useState("");
  useEffect(() => {
    if (!file.data) return undefined;
    if (!picture) { void file.data.arrayBuffer().then((content) => { setText(textOf(content).slice(0, MOST_TEXT)); }); return undefined; }
    const made = URL.createObjectURL(file.data.slice(0, file.data.size, document.media_type));
    setAddress(made);
    return () => { URL.revokeObjectURL(made); };
  }, [file.data, picture, document.media_type]);
  return (
    <Modal open onCancel={close} footer={null} title={document.name} width={880}>
      {file.error ? <ProblemView error={file.error} /> : !file.data ? <Spin /> : picture
        ? address && <img src={address} alt={document.name} style={{ maxWidth: "100%", display: "block", margin: "0 auto" }} />
        : <pre className="payload" style={{ whiteSpace: "pre-wrap" }}>{text}</pre>}
      <p className="small faint mono" style={{ overflowWrap: "anywhere", marginBlockStart: 12 }}>{t.prefixes.digest} {document.digest}</p>
    </Modal>
  );
}
