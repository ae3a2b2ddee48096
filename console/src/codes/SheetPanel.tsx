import { Alert, Button, Checkbox, Input, InputNumber, Select, Upload } from "antd";
import { useMutation } from "@tanstack/react-query";
import { type JSX, useState } from "react";

import { useText } from "../i18n";
import { Panel } from "../parts/Page";
import { wordsOf } from "../parts/Problem";
import { save } from "../parts/files";
import { fileOf, SYMBOLOGIES, type Symbology, textOf } from "./use";

/** Sheets of labels from a list. */
export function SheetPanel({ text }: { text: string }): JSX.Element {
  const t = useText();
  const [list, setList] = useState("");
  const [symbology, setSymbology] = useState<Symbology>("qr");
  const [layout, setLayout] = useState({ columns: 3, rows: 8, frames: false });
  const make = useMutation({
    mutationFn: () => fileOf("/carriers/sheet", {}, { csv: list, symbology, layout, format: "pdf" }),
    onSuccess: (file) => { save("labels.pdf", file); },
  });
  const problem = make.error && wordsOf(make.error, t);
  return (
    <Panel title={t.codes.sheet}>
      <div className="stack">
        <p className="quiet">{t.codes.sheetText}</p>
        <Input.TextArea className="mono" rows={5} value={list} aria-label={t.codes.list} placeholder={`text,caption,symbology,copies\n${text || "88.118.8/pump-7"},Pump 7,qr,24`} onChange={(event) => { setList(event.target.value); make.reset(); }} />
        <div className="row wrap">
          <Upload accept=".csv,text/csv" maxCount={1} showUploadList={false} beforeUpload={(file) => { void file.arrayBuffer().then((content) => { setList(textOf(content)); make.reset(); }); return false; }}><Button>{t.codes.listFile}</Button></Upload>
          <Select value={symbology} onChange={setSymbology} virtual={false} style={{ minWidth: 150 }} aria-label={t.codes.symbology} options={SYMBOLOGIES.map((value) => ({ value, label: t.codes.symbologies[value] }))} />
          <label className="row">{t.codes.columns}<InputNumber min={1} max={12} value={layout.columns} onChange={(columns) => { setLayout({ ...layout, columns: columns ?? 3 }); }} style={{ width: 64 }} /></label>
          <label className="row">{t.codes.rows}<InputNumber min={1} max={30} value={layout.rows} onChange={(rows) => { setLayout({ ...layout, rows: rows ?? 8 }); }} style={{ width: 64 }} /></label>
          <Checkbox checked={layout.frames} onChange={(event) => { setLayout({ ...layout, frames: event.target.checked }); }}>{t.codes.frames}</Checkbox>
          <Button type="primary" loading={make.isPending} disabled={list.trim() === ""} onClick={() => { make.mutate(); }}>{make.isPending ? t.codes.making : t.codes.makePdf}</Button>
        </div>
        {problem && <Alert type="error" showIcon title={problem.title || t.codes.sheetRefused} description={problem.hint} />}
      </div>
    </Panel>
  );
}
