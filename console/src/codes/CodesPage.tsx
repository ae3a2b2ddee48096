import { CameraOutlined, PictureOutlined } from "@ant-design/icons";
import { Alert, Button, Input, Upload } from "antd";
import { useMutation } from "@tanstack/react-query";
import { type DragEvent, type JSX, useEffect, useState } from "react";
import { useSearchParams } from "react-router";

import type { CodeSystem, ReadCode } from "../api/model";
import { useResource } from "../api/queries";
import { usePreferences } from "../app/preferences";
import { useText } from "../i18n";
import { Loaded, Page, Panel } from "../parts/Page";
import { useComplain } from "../parts/Problem";
import { useSettled } from "../parts/settled";
import { CameraBox } from "./CameraBox";
import { CarrierPanel } from "./CarrierPanel";
import { CodeView } from "./CodeView";
import { SheetPanel } from "./SheetPanel";
import { readPicture, useParsed } from "./use";

const PICTURES = "image/png,image/jpeg,image/webp,image/gif,image/bmp";
const pictureIn = (files: FileList | undefined): File | undefined => [...(files ?? [])].find((file) => file.type.startsWith("image/"));

/** Any identifier taken apart, written in its other forms, drawn as a carrier, and read from pictures. */
export default function CodesPage(): JSX.Element {
  const t = useText();
  const complain = useComplain();
  const [parameters, setParameters] = useSearchParams();
  const text = parameters.get("text") ?? "";
  const settled = useSettled(text.trim(), 250);
  const [camera, setCamera] = useState(false);
  const [over, setOver] = useState(false);
  const systems = useResource<CodeSystem[]>("/codes/systems");
  const parsed = useParsed(settled);
  const set = (next: string): void => { setParameters(next === "" ? {} : { text: next }, { replace: true }); };
  const read = useMutation<ReadCode[], Error, Blob>({
    mutationFn: (picture) => readPicture(picture),
    onSuccess: (found) => { if (found[0]) set(found[0].carrier.text); },
    onError: complain,
  });
  const send = read.mutate;
  useEffect(() => {
    const paste = (event: ClipboardEvent): void => {
      const picture = pictureIn(event.clipboardData?.files);
      if (picture) { event.preventDefault(); send(picture); }
    };
    window.addEventListener("paste", paste);
    return () => { window.removeEventListener("paste", paste); };
  }, [send]);
  const drop = (event: DragEvent): void => {
    event.preventDefault();
    setOver(false);
    const picture = pictureIn(event.dataTransfer.files);
    if (picture) send(picture);
  };
  const shown = settled === "" ? null : parsed.data;
  return (
    <div onDragOver={(event) => { event.preventDefault(); setOver(true); }} onDragLeave={() => { setOver(false); }} onDrop={drop}>
      <Page title={t.codes.title} text={over ? t.codes.dropped : t.codes.about}>
        <div className="stack">
          <div className="row wrap">
            <Input size="large" className="mono" allowClear autoFocus value={text} placeholder={t.codes.placeholder} aria-label={t.codes.input} maxLength={4000} spellCheck={false} style={{ flex: "1 1 320px" }} onChange={(event) => { read.reset(); set(event.target.value); }} />
            <Upload accept={PICTURES} maxCount={1} showUploadList={false} beforeUpload={(file) => { send(file); return false; }}><Button size="large" icon={<PictureOutlined />} loading={read.isPending} aria-label={t.codes.choose}>{t.codes.picture}</Button></Upload>
            <Button size="large" icon={<CameraOutlined />} onClick={() => { setCamera(true); }}>{t.codes.camera}</Button>
          </div>
          {read.data?.length === 0 && <Alert type="warning" showIcon closable title={t.codes.noCode} description={t.codes.noCodeText} />}
          {read.data && read.data.length > 1 && <Several found={read.data} chosen={text} choose={set} />}
          <Loaded query={systems}>
            {(known) => shown
              ? <div className="codes"><CodeView found={shown} systems={known} /><CarrierPanel text={settled} /></div>
              : <Examples systems={known} choose={set} />}
          </Loaded>
          <SheetPanel text={settled} />
        </div>
        {camera && <CameraBox close={() => { setCamera(false); }} done={(found) => { setCamera(false); set(found); }} />}
      </Page>
    </div>
  );
}

function Examples({ systems, choose }: { systems: CodeSystem[]; choose: (text: string) => void }): JSX.Element {
  const t = useText();
  const zh = usePreferences().language === "zh";
  return (
    <Panel title={t.codes.examples}>
      <p className="quiet" style={{ marginBlockEnd: 12 }}>{t.codes.examplesText}</p>
      <div className="tiles" style={{ gridTemplateColumns: "repeat(auto-fill, minmax(min(300px, 100%), 1fr))" }}>
        {systems.map((system) => (
          <button key={system.name} type="button" className="card" style={{ display: "flex", flexDirection: "column" }} onClick={() => { choose(system.example); }}>
            <div style={{ fontWeight: 600 }}>{zh ? system.label_zh : system.label}</div>
            <div className="mono" style={{ overflowWrap: "anywhere", margin: "4px 0", color: "var(--accent)" }}>{system.example}</div>
            <div className="small quiet">{system.standard}</div>
          </button>
        ))}
      </div>
    </Panel>
  );
}

function Several({ found, chosen, choose }: { found: ReadCode[]; chosen: string; choose: (text: string) => void }): JSX.Element {
  const t = useText();
  return (
    <Panel title={t.codes.severalFound} flush>
      <div className="insets">
        {found.map(({ carrier, parsed }, index) => (
          <div key={index} className="inset row">
            <span className="label" style={{ width: 88, flex: "none" }}>{carrier.format}</span>
            <Button type="link" className="mono" style={{ padding: 0, height: "auto", whiteSpace: "normal", textAlign: "start", fontWeight: carrier.text === chosen ? 600 : 400 }} onClick={() => { choose(carrier.text); }}>{carrier.text}</Button>
            <span className="small quiet">{parsed.code?.system ?? t.codes.plain}</span>
          </div>
        ))}
      </div>
    </Panel>
  );
}
