import { Button, Input, InputNumber, Select } from "antd";
import type { JSX } from "react";
import { Link } from "react-router";

import type { PrefixInfo, SuffixKind } from "../../api/identifiers";
import { useText } from "../../i18n";
import { Empty } from "../../parts/Page";
import { kindsFor, type Suffix } from "./register";

/** Below which prefix identifiers are made, and how. */
export function SuffixFields({ prefixes, held, choose, suffix, change }: { prefixes: readonly PrefixInfo[]; held: PrefixInfo | undefined; choose: (prefixId: string) => void; suffix: Suffix; change: (suffix: Suffix) => void }): JSX.Element {
  const t = useText();
  if (!held) return <Empty title={t.identifiers.noPrefixes} text={t.identifiers.noPrefixesText}><Link to="/prefixes"><Button>{t.identifiers.toPrefixes}</Button></Link></Empty>;
  const kinds = kindsFor(held.system);
  const kind = kinds.includes(suffix.kind) ? suffix.kind : kinds[0];
  const medical = held.system === "ma" && /^\d{3}\.M0\./i.test(held.prefix);
  return (
    <div className="row wrap" style={{ alignItems: "flex-end" }}>
      <Labelled label={t.identifiers.prefix}><Select virtual={false} aria-label={t.identifiers.prefix} style={{ minWidth: 180 }} value={held.id} onChange={choose} options={prefixes.map((one) => ({ value: one.id, label: `${one.prefix} · ${t.prefixes.systems[one.system]}` }))} /></Labelled>
      <Labelled label={t.identifiers.suffix}><Select virtual={false} aria-label={t.identifiers.suffix} style={{ minWidth: 150 }} value={kind ?? null} onChange={(next: SuffixKind) => { change({ ...suffix, kind: next }); }} options={kinds.map((value) => ({ value, label: t.identifiers.suffixes[value] }))} /></Labelled>
      {held.system === "gs1" && kind !== "sscc" && <Labelled label={t.identifiers.gtin}><Input className="mono" style={{ width: 170 }} inputMode="numeric" maxLength={14} value={suffix.gtin} onChange={(event) => { change({ ...suffix, gtin: event.target.value.replaceAll(/\D/g, "") }); }} /></Labelled>}
      {kind === "sscc" ? <Labelled label={t.identifiers.extension}><InputNumber min={0} max={9} precision={0} value={suffix.extension} onChange={(extension) => { change({ ...suffix, extension: extension ?? 0 }); }} /></Labelled> : <Labelled label={medical ? t.identifiers.medicalProduct : t.identifiers.begins}><Input className="mono" style={{ width: 130 }} maxLength={100} value={suffix.before} placeholder={medical ? "1ABCDEF8" : held.system === "ecode" ? "7" : "pump-"} onChange={(event) => { change({ ...suffix, before: event.target.value }); }} /></Labelled>}
      {(kind === "serial" || kind === "random") && <Labelled label={t.identifiers.digits}><InputNumber min={1} max={20} precision={0} value={suffix.digits} onChange={(digits) => { change({ ...suffix, digits: digits ?? 8 }); }} style={{ width: 80 }} /></Labelled>}
    </div>
  );
}

const Labelled = ({ label, children }: { label: string; children: JSX.Element }): JSX.Element => <label className="stack" style={{ gap: 4 }}><span className="label">{label}</span>{children}</label>;
