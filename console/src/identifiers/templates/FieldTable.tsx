import { ArrowDownOutlined, ArrowUpOutlined, DeleteOutlined, EditOutlined, HolderOutlined, PlusOutlined } from "@ant-design/icons";
import { Button, Checkbox, Select, Tag } from "antd";
import { type JSX, type KeyboardEvent, useRef, useState } from "react";

import { type TemplateDocument, type TemplateField, VISIBILITIES } from "../../api/identifiers";
import { useText } from "../../i18n";
import { Empty, Panel } from "../../parts/Page";
import { usePhone } from "../../parts/screen";
import { useFieldLabel } from "../fields/TemplateForm";
import { faultsOf, moved, nextNumber, whole } from "./document";
import { FieldBox } from "./FieldBox";

/** The fields in their order, which is changed by dragging and by keyboard. */
export function FieldTable({ document, published, change, edits }: { document: TemplateDocument; published: TemplateDocument | null; change: (fields: TemplateField[]) => void; edits: boolean }): JSX.Element {
  const t = useText();
  const phone = usePhone();
  const label = useFieldLabel();
  const fields = document.fields ?? [];
  const faults = faultsOf(fields);
  const [open, setOpen] = useState<number | "new" | null>(null);
  const [dragged, setDragged] = useState<number | null>(null);
  const [over, setOver] = useState<number | null>(null);
  const [said, setSaid] = useState("");
  const rows = useRef<(HTMLElement | null)[]>([]);
  const move = (from: number, to: number): void => {
    const field = fields[from];
    if (!field || to < 0 || to >= fields.length) return;
    change(moved(fields, from, to));
    setSaid(t.templates.moved(field.name, to + 1));
    // The row that was moved keeps the focus.
    requestAnimationFrame(() => { rows.current[to]?.focus(); });
  };
  const press = (event: KeyboardEvent, place: number): void => {
    if (!edits || !event.altKey || (event.key !== "ArrowUp" && event.key !== "ArrowDown")) return;
    event.preventDefault();
    move(place, place + (event.key === "ArrowUp" ? -1 : 1));
  };
  const put = (place: number, part: Partial<TemplateField>): void => { change(fields.map((field, at) => (at === place ? { ...field, ...part } : field))); };
  const add = edits && <Button type="primary" size="small" icon={<PlusOutlined />} onClick={() => { setOpen("new"); }}>{t.templates.addField}</Button>;
  const buttons = (field: TemplateField, place: number): JSX.Element => (
    <span className="row" style={{ gap: 0, justifyContent: "flex-end" }}>
      {edits && <>
        <Button type="text" size="small" icon={<ArrowUpOutlined />} disabled={place === 0} aria-label={t.templates.moveUp(field.name)} onClick={() => { move(place, place - 1); }} />
        <Button type="text" size="small" icon={<ArrowDownOutlined />} disabled={place === fields.length - 1} aria-label={t.templates.moveDown(field.name)} onClick={() => { move(place, place + 1); }} />
      </>}
      <Button type="text" size="small" icon={<EditOutlined />} aria-label={`${t.common.edit}: ${field.name}`} onClick={() => { setOpen(place); }} />
      {edits && <Button type="text" size="small" icon={<DeleteOutlined />} aria-label={`${t.common.delete}: ${field.name}`} onClick={() => { change(fields.filter((_, at) => at !== place)); }} />}
    </span>
  );
  const wrong = (place: number): JSX.Element[] => (faults.get(place) ?? []).map((fault) => <div key={fault} className="small" role="alert" style={{ color: "var(--critical)" }}>{t.templates[fault]}</div>);
  return (
    <Panel title={t.templates.fields(fields.length)} extra={add} flush>
      <div aria-live="polite" style={{ position: "absolute", width: 1, height: 1, overflow: "hidden", clipPath: "inset(50%)" }}>{said}</div>
      {fields.length === 0 ? <Empty title={t.templates.noFields} text={t.templates.noFieldsText}>{add}</Empty> : phone ? (
        <div className="insets">
          {fields.map((field, place) => {
            const f = whole(field);
            return (
              <div key={`${field.number}-${place}`} className="inset" data-name={field.name}>
                <div className="row spread"><button type="button" className="plain grow" onClick={() => { setOpen(place); }}><b>{label(f)}</b> <span className="mono small quiet">{f.name}</span></button>{buttons(field, place)}</div>
                <div className="row wrap small quiet">{t.templates.types[f.type]}{f.required && <Tag>{t.templates.required}</Tag>}{f.repeated && <Tag>{t.templates.repeated}</Tag>}{f.visibility !== "public" && <Tag color="processing">{t.templates.visibilities[f.visibility]}</Tag>}</div>
                {wrong(place)}
              </div>
            );
          })}
        </div>
      ) : (
        <div style={{ overflowX: "auto" }}>
          <table className="fields">
            <thead><tr><th aria-label={t.templates.orderHint} /><th>{t.templates.number}</th><th>{t.templates.fieldName}</th><th>{t.templates.type}</th><th>{t.templates.required}</th><th>{t.templates.repeated}</th><th>{t.templates.visibility}</th><th /></tr></thead>
            <tbody>
              {fields.map((field, place) => {
                const f = whole(field);
                return (
                  <tr
                    key={`${field.number}-${place}`} ref={(row) => { rows.current[place] = row; }} tabIndex={0} data-name={field.name} className={over === place && dragged !== null && dragged !== place ? (dragged < place ? "below" : "above") : ""}
                    draggable={edits} onDragStart={(event) => { setDragged(place); event.dataTransfer.effectAllowed = "move"; }} onDragEnd={() => { setDragged(null); setOver(null); }}
                    onDragOver={(event) => { if (dragged !== null) { event.preventDefault(); setOver(place); } }} onDrop={(event) => { event.preventDefault(); if (dragged !== null) move(dragged, place); setDragged(null); setOver(null); }}
                    onKeyDown={(event) => { press(event, place); }} onDoubleClick={() => { setOpen(place); }}
                  >
                    <td className="faint" style={{ cursor: edits ? "grab" : "default" }}>{edits && <HolderOutlined />}</td>
                    <td className="num quiet">{f.number}</td>
                    <td><button type="button" className="plain" onClick={() => { setOpen(place); }}><b>{label(f)}</b></button><div className="mono small quiet">{f.name}</div>{wrong(place)}</td>
                    <td>{t.templates.types[f.type]}{f.unit && <span className="small quiet mono"> {f.unit}</span>}{f.system && <span className="small quiet mono"> {f.system}</span>}{f.values.length > 0 && <span className="small quiet"> ({f.values.length})</span>}</td>
                    <td><Checkbox disabled={!edits} checked={f.required} aria-label={`${t.templates.required}: ${f.name}`} onChange={(event) => { put(place, { required: event.target.checked }); }} /></td>
                    <td><Checkbox disabled={!edits} checked={f.repeated} aria-label={`${t.templates.repeated}: ${f.name}`} onChange={(event) => { put(place, { repeated: event.target.checked }); }} /></td>
                    <td><Select size="small" disabled={!edits} variant="borderless" value={f.visibility} virtual={false} aria-label={`${t.templates.visibility}: ${f.name}`} style={{ width: 116 }} onChange={(visibility) => { put(place, { visibility }); }} options={VISIBILITIES.map((value) => ({ value, label: t.templates.visibilities[value] }))} /></td>
                    <td>{buttons(field, place)}</td>
                  </tr>
                );
              })}
            </tbody>
          </table>
        </div>
      )}
      {edits && !phone && fields.length > 1 && <div className="panel-text small quiet">{t.templates.orderHint}</div>}
      {open !== null && (
        <FieldBox
          field={open === "new" ? { number: nextNumber(fields, published?.fields), name: "" } : fields[open] ?? { number: 1, name: "" }} others={fields.filter((_, at) => at !== open)} edits={edits} fresh={open === "new"} close={() => { setOpen(null); }}
          done={(field) => { change(open === "new" ? [...fields, field] : fields.map((each, at) => (at === open ? field : each))); setOpen(null); }}
        />
      )}
    </Panel>
  );
}
