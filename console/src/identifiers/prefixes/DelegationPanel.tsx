import { App, Button, Input, Modal } from "antd";
import { type JSX, useState } from "react";

import { etagOf, put } from "../../api/client";
import type { PrefixDetail } from "../../api/identifiers";
import { useChange } from "../../api/queries";
import { useText } from "../../i18n";
import { CopyButton } from "../../parts/Copy";
import { Panel } from "../../parts/Page";
import { isBase64 } from "./steps";

/** Which service answers for names below the prefix. */
export function DelegationPanel({ prefix }: { prefix: PrefixDetail }): JSX.Element {
  const t = useText();
  const { message } = App.useApp();
  const [site, setSite] = useState<string | null>(null);
  const [resolver, setResolver] = useState(prefix.resolver ?? "");
  const may = prefix.allowed.includes("file");
  const text = (site ?? "").replaceAll(/\s/g, "");
  const wrong = !isBase64(text);
  const save = useChange(() => put(`/prefixes/${prefix.id}/site`, { site: text || null, resolver: resolver.trim() || null }, etagOf(prefix)), ["prefixes"], () => { void message.success(t.prefixes.done.delegate); setSite(null); });
  return (
    <Panel title={t.prefixes.delegation} extra={may && <Button size="small" onClick={() => { setSite(prefix.site ?? ""); }}>{t.common.edit}</Button>}>
      {prefix.site === null ? <span>{t.prefixes.here}</span> : <div className="row"><span className="grow">{t.prefixes.elsewhere} <span className="mono small cut" style={{ display: "block" }}>{prefix.site}</span>{prefix.resolver && <span className="small cut" style={{ display: "block" }}>{prefix.resolver}</span>}</span><CopyButton text={prefix.site} /></div>}
      <Modal open={site !== null} onCancel={() => { setSite(null); }} title={t.prefixes.steps.delegate} okText={t.common.save} cancelText={t.common.cancel} confirmLoading={save.isPending} okButtonProps={{ disabled: wrong }} onOk={() => { save.mutate(undefined); }}>
        <p className="quiet" style={{ marginBlockEnd: 12 }}>{t.prefixes.delegateText}</p>
        <Input.TextArea className="mono" rows={5} value={site ?? ""} aria-label={t.prefixes.site} placeholder={t.prefixes.site} spellCheck={false} status={wrong ? "error" : ""} onChange={(event) => { setSite(event.target.value); }} />
        <Input style={{ marginBlockStart: 8 }} value={resolver} type="url" aria-label={t.emergency.resolver} placeholder={t.emergency.resolver} onChange={(event) => { setResolver(event.target.value); }} />
        <div className="small quiet">{t.emergency.resolverHint}</div>
        {wrong && <div className="small" role="alert" style={{ color: "var(--critical)" }}>{t.prefixes.siteWrong}</div>}
      </Modal>
    </Panel>
  );
}
