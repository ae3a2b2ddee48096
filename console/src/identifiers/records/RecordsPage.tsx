import { DownloadOutlined, ImportOutlined, PlusOutlined, ScanOutlined } from "@ant-design/icons";
import { Alert, Button, Dropdown, Input, Segmented, Select, type TableColumnsType, Tag } from "antd";
import { type JSX, useEffect, useState } from "react";
import { Link, useNavigate } from "react-router";

import type { Query } from "../../api/client";
import { AMONG, type Among, type IdentifierItem, type PrefixInfo, type TemplateInfo } from "../../api/identifiers";
import { useList, useMay } from "../../api/queries";
import { fileOf, useParsed } from "../../codes/use";
import { useFormat, useText, useTitle } from "../../i18n";
import { save } from "../../parts/files";
import { useFilters } from "../../parts/filters";
import { Listing } from "../../parts/Listing";
import { Empty, Loaded, Page } from "../../parts/Page";
import { useComplain } from "../../parts/Problem";
import { useSettled } from "../../parts/settled";
import { useFieldLabel } from "../fields/TemplateForm";
import { identifierIn, recordPath } from "./address";
import { registerName } from "./register";
import { briefly, titleOf } from "./titles";
import { useSearch } from "./use";

const EXPORTS = ["csv", "jsonl", "arrow"] as const;
const LATE_MS = 5000;

/** Everything registered that one may see: searched by words, by field, by prefix and template; or looked up exactly. */
export default function RecordsPage(): JSX.Element {
  const t = useText();
  const f = useFormat();
  const title = useTitle();
  const label = useFieldLabel();
  const navigate = useNavigate();
  const complain = useComplain();
  const registers = useMay("identifiers:register");
  const [parameters, set] = useFilters();
  const sought = parameters.get("q") ?? "";
  const [text, setText] = useState(sought);
  useEffect(() => { setText(sought); }, [sought]);
  const [words, setWords] = useState(parameters.get("words") ?? "");
  const among: Among = AMONG.find((one) => one === parameters.get("among")) ?? "own";
  const prefix = parameters.get("prefix");
  const template = parameters.get("template");
  const field = parameters.get("field");
  const settledWords = useSettled(words.trim(), 400);
  const query: Query = { q: sought, among, prefix, template, limit: 50, ...(field && settledWords && { [`field.${field}`]: settledWords }) };
  const found = useSearch(query);
  const parsed = useParsed(useSettled(identifierIn(text, location.origin), 250)).data;
  const code = text.trim() === "" ? null : parsed?.code ?? null;
  const templates = useList<TemplateInfo>("/identifier-templates", { published: true, limit: 200 }, { enabled: useMay("templates:read") });
  const prefixes = useList<PrefixInfo>("/prefixes", { side: "holder", limit: 200 }, { enabled: useMay("prefixes:read") });
  const known = (prefixes.data ?? []).filter((one) => one.granted_ms !== null);
  const fields = templates.data?.find((one) => one.id === template)?.document.fields ?? [];
  const filtered = sought !== "" || prefix !== null || template !== null || among !== "own" || (field !== null && settledWords !== "");
  const open = (one: IdentifierItem): void => { void navigate(recordPath(one.identifier)); };
  const take = (format: string): void => { fileOf("/identifiers/export", { format, q: sought, among, prefix, template }).then((file) => { save(`identifiers.${format}`, file); }, complain); };
  const name = (one: IdentifierItem): string => (one.template ? title({ ...one.template }) : t.identifiers.noTemplate);
  const columns: TableColumnsType<IdentifierItem> = [
    { key: "identifier", title: t.identifiers.identifier, render: (_, one) => <><button type="button" className="plain mono" style={{ fontWeight: 600, overflowWrap: "anywhere" }} onClick={() => { open(one); }}>{one.identifier}</button>{one.prefix_state !== "active" && <Tag color="warning" style={{ marginInlineStart: 8 }}>{(t.prefixes.states as Record<string, string>)[one.prefix_state] ?? one.prefix_state}</Tag>}</> },
    { key: "title", title: t.common.name, render: (_, one) => <>{titleOf(one.fields)}<div className="small quiet cut" style={{ maxWidth: 360 }}>{briefly(one.fields)}</div></> },
    { key: "template", title: t.identifiers.template, render: (_, one) => <span className="quiet">{name(one)}</span> },
    { key: "version", title: t.system.version, align: "right", render: (_, one) => <span className="num quiet">{one.version}</span> },
    { key: "changed", title: t.identifiers.changed, render: (_, one) => <span className="num quiet">{f.time(one.changed_ms)}</span> },
  ];
  const lag = found.data?.pages[0]?.lag;
  const total = found.data?.pages[0];
  return (
    <Page
      title={t.identifiers.title} text={t.identifiers.text}
      actions={<>
        <Link to="/scan"><Button icon={<ScanOutlined />}>{t.identifiers.scan}</Button></Link>
        <Dropdown trigger={["click"]} menu={{ items: EXPORTS.map((key) => ({ key, label: { csv: t.identifiers.exportCsv, jsonl: t.identifiers.exportJson, arrow: t.identifiers.exportArrow }[key] })), onClick: ({ key }) => { take(key); } }}><Button icon={<DownloadOutlined />}>{t.identifiers.export}</Button></Dropdown>
        {registers && <Link to="/identifiers/imports"><Button icon={<ImportOutlined />}>{t.identifiers.import}</Button></Link>}
        {registers && <Link to="/identifiers/register"><Button type="primary" icon={<PlusOutlined />}>{t.identifiers.register}</Button></Link>}
      </>}
    >
      <div className="stack tight">
        <Input.Search
          size="large" allowClear value={text} autoFocus maxLength={2048} spellCheck={false} placeholder={t.identifiers.searchHint} aria-label={t.identifiers.identifier} enterButton={t.common.search}
          onChange={(event) => { setText(event.target.value); }} onSearch={(wanted) => { set({ q: wanted.trim() || null }); }}
        />
        <div className="small" aria-live="polite" style={{ minHeight: 20 }} data-testid="is-code">{code && <>{t.identifiers.isIdentifier(code.canonical)} <Link to={recordPath(identifierIn(text, location.origin))}>{t.identifiers.openIt}</Link></>}</div>
        <div className="row wrap filters" style={{ marginBottom: 4 }}>
          <Segmented<Among> value={among} onChange={(next) => { set({ among: next === "own" ? null : next }); }} options={AMONG.map((value) => ({ value, label: t.identifiers.among[value] }))} />
          {known.length > 0 && <Select allowClear virtual={false} placeholder={t.identifiers.anyPrefix} aria-label={t.identifiers.prefix} value={prefix} style={{ minWidth: 150 }} onChange={(next) => { set({ prefix: next }); }} options={known.map((one) => ({ value: registerName(one), label: registerName(one) }))} />}
          {(templates.data ?? []).length > 0 && <Select allowClear virtual={false} placeholder={t.identifiers.anyTemplate} aria-label={t.identifiers.template} value={template} style={{ minWidth: 160 }} onChange={(next) => { set({ template: next, field: null }); }} options={(templates.data ?? []).map((one) => ({ value: one.id, label: title({ ...one.document, name: one.name }) }))} />}
          {fields.length > 0 && <Select allowClear virtual={false} placeholder={t.identifiers.anyField} aria-label={t.identifiers.onlyField} value={field} style={{ minWidth: 150 }} onChange={(next) => { set({ field: next }); }} options={fields.filter((one) => one.visibility !== "sealed").map((one) => ({ value: one.name, label: label(one) }))} />}
          {fields.length > 0 && field !== null && <Input allowClear style={{ width: 180 }} value={words} placeholder={t.identifiers.fieldWords} aria-label={t.identifiers.fieldWords} onChange={(event) => { setWords(event.target.value); }} />}
        </div>
        {lag && (lag.building || lag.behind_ms > LATE_MS) && <Alert type="info" showIcon title={lag.building ? t.identifiers.building : t.identifiers.lagging(f.duration(lag.behind_ms))} />}
        <Loaded query={found}>
          {({ pages }) => {
            const items = pages.flatMap((page) => page.items);
            if (items.length === 0) return <div className="panel">{filtered
              ? <Empty title={t.identifiers.noMatch} text={t.identifiers.noMatchText}><Button onClick={() => { setWords(""); set({ q: null, among: null, prefix: null, template: null, field: null }); }}>{t.devices.clear}</Button></Empty>
              : <Empty title={t.identifiers.empty} text={t.identifiers.emptyText}>{registers && <Link to="/identifiers/register"><Button type="primary">{t.identifiers.register}</Button></Link>}<Link to="/prefixes"><Button>{t.identifiers.toPrefixes}</Button></Link><Link to="/identifier-templates"><Button>{t.identifiers.toTemplates}</Button></Link></Empty>}</div>;
            return (
              <>
                <div className="small quiet num" data-testid="total">{total?.or_more ? t.identifiers.orMore(f.number(total.total)) : t.identifiers.exactly(f.number(total?.total ?? items.length))}</div>
                <Listing
                  items={items} columns={columns} rowKey={(one) => one.name} onOpen={open}
                  card={(one) => (
                    <button type="button" className="card" onClick={() => { open(one); }}>
                      <b className="mono" style={{ overflowWrap: "anywhere" }}>{one.identifier}</b>
                      {titleOf(one.fields) && <span style={{ display: "block" }}>{titleOf(one.fields)}</span>}
                      <span className="small quiet" style={{ display: "block" }}>{name(one)} · <span className="num">{f.time(one.changed_ms)}</span></span>
                    </button>
                  )}
                  more={found.hasNextPage ? () => void found.fetchNextPage() : null} loadingMore={found.isFetchingNextPage}
                />
              </>
            );
          }}
        </Loaded>
      </div>
    </Page>
  );
}
