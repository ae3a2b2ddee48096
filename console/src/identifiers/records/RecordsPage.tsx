import { ImportOutlined, PlusOutlined, ScanOutlined } from "@ant-design/icons";
import { Button, Input } from "antd";
import { type JSX, useState } from "react";
import { Link, useNavigate } from "react-router";

import { useMay } from "../../api/queries";
import { useText } from "../../i18n";
import { Empty, Page } from "../../parts/Page";
import { identifierIn, recordPath } from "./address";

/** Where identifiers are looked up and registered. */
export default function RecordsPage(): JSX.Element {
  const t = useText();
  const navigate = useNavigate();
  const registers = useMay("identifiers:register");
  const [text, setText] = useState("");
  return (
    <Page title={t.identifiers.title} text={t.identifiers.text} actions={<><Link to="/scan"><Button icon={<ScanOutlined />}>{t.identifiers.scan}</Button></Link>{registers && <Link to="/identifiers/imports"><Button icon={<ImportOutlined />}>{t.identifiers.import}</Button></Link>}{registers && <Link to="/identifiers/register"><Button type="primary" icon={<PlusOutlined />}>{t.identifiers.register}</Button></Link>}</>}>
      <div className="stack">
        <Input.Search size="large" className="mono" allowClear value={text} autoFocus maxLength={2048} spellCheck={false} placeholder={t.identifiers.lookUpHint} aria-label={t.identifiers.identifier} enterButton={t.identifiers.lookUp} onChange={(event) => { setText(event.target.value); }} onSearch={(wanted) => { if (wanted.trim()) void navigate(recordPath(identifierIn(wanted, location.origin))); }} />
        <div className="panel"><Empty title={t.identifiers.empty} text={t.identifiers.emptyText}><Link to="/prefixes"><Button>{t.identifiers.toPrefixes}</Button></Link><Link to="/identifier-templates"><Button>{t.identifiers.toTemplates}</Button></Link></Empty></div>
      </div>
    </Page>
  );
}
