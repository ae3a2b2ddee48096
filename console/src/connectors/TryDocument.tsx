import { useMutation } from "@tanstack/react-query";
import { Alert, Button, Input, Select, type TableColumnsType, Tag } from "antd";
import { type JSX, useState } from "react";

import { post } from "../api/client";
import type { FieldConnection, ReadValue } from "../api/model";
import { useFormat, useText } from "../i18n";
import { Listing } from "../parts/Listing";
import { Empty } from "../parts/Page";
import { wordsOf } from "../parts/Problem";

const TYPES = ["application/json", "application/x-www-form-urlencoded"];
const EXAMPLE = `{\n  "at": "${new Date().toISOString().slice(0, 19)}Z",\n  "temperature": 21.5\n}`;

/** What a webhook's points would make of a document; nothing is stored. */
export function TryDocument({ connection }: { connection: FieldConnection }): JSX.Element {
  const t = useText();
  const f = useFormat();
  const [body, setBody] = useState(EXAMPLE);
  const [type, setType] = useState(TYPES[0] ?? "");
  const attempt = useMutation({ mutationFn: () => post<ReadValue[]>(`/connectors/${connection.id}/try`, { body, content_type: type }) });
  const failed = attempt.error ? wordsOf(attempt.error, t) : null;
  const value = (one: ReadValue): JSX.Element => <span className="num">{one.value === null ? <span className="faint">–</span> : f.value(one.value)} {one.quality < 192 && <Tag color={one.quality === 0 ? "error" : "warning"}>{t.quality[one.quality] ?? one.quality}</Tag>}</span>;
  const time = (one: ReadValue): JSX.Element => <span className="num quiet">{one.time_ms === null ? t.webhooks.noTime : f.time(one.time_ms)}</span>;
  const columns: TableColumnsType<ReadValue> = [
    { key: "address", title: t.connectors.wizard.address, render: (_, one) => <span className="mono small">{one.address}</span> },
    { key: "value", title: t.connectors.wizard.value, align: "right", render: (_, one) => value(one) },
    { key: "time", title: t.connectors.wizard.time, render: (_, one) => time(one) },
    { key: "note", title: "", render: (_, one) => <span className="small quiet">{one.note}</span> },
  ];
  return (
    <div className="stack tight">
      <p className="quiet">{t.webhooks.tryText}</p>
      {connection.points === 0 && <Alert type="info" showIcon title={t.webhooks.unmapped} />}
      <Input.TextArea className="mono" rows={8} value={body} aria-label={t.webhooks.body} spellCheck={false} onChange={(event) => { setBody(event.target.value); }} />
      <div className="row wrap">
        <Select value={type} aria-label={t.webhooks.type} style={{ minWidth: 280, maxWidth: "100%" }} onChange={setType} options={TYPES.map((one) => ({ value: one, label: one }))} />
        <Button type="primary" loading={attempt.isPending} onClick={() => { attempt.mutate(); }}>{t.webhooks.go}</Button>
        {attempt.data && <span className="quiet" role="status">{t.webhooks.result(attempt.data.length)}</span>}
      </div>
      {failed && <Alert type="error" showIcon title={failed.title} description={failed.hint} />}
      {attempt.data?.length === 0 && connection.points > 0 && <div className="panel"><Empty title={t.webhooks.nothing} text={t.webhooks.nothingText} /></div>}
      {attempt.data && attempt.data.length > 0 && (
        <Listing
          size="small" items={attempt.data.map((one, at) => ({ ...one, at }))} columns={columns} rowKey={(one) => String((one as ReadValue & { at: number }).at)}
          card={(one) => <div className="card" style={{ cursor: "default" }}><div className="row spread"><span className="mono small cut">{one.address}</span>{value(one)}</div><div className="small">{time(one)} {one.note}</div></div>}
        />
      )}
    </div>
  );
}
