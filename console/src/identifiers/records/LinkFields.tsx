import { DeleteOutlined, PlusOutlined } from "@ant-design/icons";
import { AutoComplete, Button, Input } from "antd";
import type { JSX } from "react";

import type { RecordLink } from "../../api/identifiers";
import { useText } from "../../i18n";
import { linkIsWrong } from "./register";

/** Links of a record, each of a kind of GS1's vocabulary or another. */
export function LinkFields({ links, change }: { links: RecordLink[]; change: (links: RecordLink[]) => void }): JSX.Element {
  const t = useText();
  const put = (place: number, part: Partial<RecordLink>): void => { change(links.map((link, at) => (at === place ? { ...link, ...part } : link))); };
  return (
    <div className="stack tight">
      {links.map((link, place) => (
        <div key={place}>
          <div className="row wrap">
            <AutoComplete aria-label={t.identifiers.linkType} style={{ flex: "1 1 150px" }} value={link.linkType} onChange={(linkType: string) => { put(place, { linkType }); }} options={Object.entries(t.identifiers.linkTypes).map(([value, label]) => ({ value, label: `${label} · ${value}` }))} />
            <Input style={{ flex: "3 1 220px" }} inputMode="url" status={linkIsWrong(link) ? "error" : ""} placeholder="https://" aria-label={t.identifiers.linkHref} value={link.href} onChange={(event) => { put(place, { href: event.target.value }); }} />
            <Input style={{ flex: "2 1 140px" }} placeholder={t.identifiers.linkTitle} aria-label={t.identifiers.linkTitle} value={link.title} onChange={(event) => { put(place, { title: event.target.value }); }} />
            {link.linkType !== "defaultLink" && <Input style={{ flex: "0 1 96px" }} placeholder={t.identifiers.linkLanguage} aria-label={t.identifiers.linkLanguage} value={(link.hreflang ?? []).join(" ")} onChange={(event) => { put(place, { hreflang: event.target.value.split(/[\s,]+/).filter(Boolean) }); }} />}
            <Button type="text" icon={<DeleteOutlined />} aria-label={t.common.delete} onClick={() => { change(links.filter((_, at) => at !== place)); }} />
          </div>
          {linkIsWrong(link) && <div className="small" role="alert" style={{ color: "var(--critical)" }}>{t.identifiers.linkWrong}</div>}
        </div>
      ))}
      <div><Button type="dashed" size="small" icon={<PlusOutlined />} onClick={() => { change([...links, { linkType: links.length === 0 ? "defaultLink" : "pip", href: "", title: "" }]); }}>{t.identifiers.addLink}</Button></div>
    </div>
  );
}
