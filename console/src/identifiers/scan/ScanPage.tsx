import { CameraOutlined, PictureOutlined, SwapOutlined } from "@ant-design/icons";
import { Alert, Button, Input, Tag, Upload } from "antd";
import { useMutation } from "@tanstack/react-query";
import { type JSX, useEffect, useRef, useState } from "react";
import { Link, useSearchParams } from "react-router";

import { ProblemError } from "../../api/client";
import type { CodeSystem, ReadCode } from "../../api/model";
import { useResource } from "../../api/queries";
import { usePreferences } from "../../app/preferences";
import { type CameraProblem, cameraProblem, closeCamera, openCamera, watch } from "../../codes/camera";
import { readPicture, useParsed } from "../../codes/use";
import { useText } from "../../i18n";
import { Page, Panel } from "../../parts/Page";
import { useComplain } from "../../parts/Problem";
import { useSettled } from "../../parts/settled";
import { FieldValue } from "../fields/FieldValue";
import { useFieldLabel } from "../fields/TemplateForm";
import { codePath, identifierIn, isWebAddress, publicPath, recordPath } from "../records/address";
import { useDocument, useRecord } from "../records/use";

const PICTURES = "image/png,image/jpeg,image/webp,image/gif,image/bmp";
const MOST_FIELDS = 6;

/** Resolves what the camera sees, or what is in a picture. */
export default function ScanPage(): JSX.Element {
  const t = useText();
  const complain = useComplain();
  const [parameters, setParameters] = useSearchParams();
  const seen = parameters.get("text") ?? "";
  const [looking, setLooking] = useState(false);
  const show = (text: string): void => { setParameters(text === "" ? {} : { text }, { replace: true }); };
  const read = useMutation<ReadCode[], Error, Blob>({ mutationFn: (picture) => readPicture(picture), onSuccess: (found) => { if (found[0]) { setLooking(false); show(found[0].carrier.text); } }, onError: complain });
  const picture = <Upload accept={PICTURES} maxCount={1} showUploadList={false} beforeUpload={(file) => { read.mutate(file); return false; }}><Button size="large" icon={<PictureOutlined />} loading={read.isPending}>{t.identifiers.picture}</Button></Upload>;
  return (
    <Page title={t.identifiers.scanTitle} text={t.identifiers.scanText}>
      <div className="stack" style={{ maxWidth: 720 }}>
        {looking ? <Viewfinder done={(text) => { setLooking(false); show(text); }} stop={() => { setLooking(false); }} /> : (
          <div className="row wrap">
            <Button type="primary" size="large" icon={<CameraOutlined />} onClick={() => { read.reset(); show(""); setLooking(true); }}>{seen === "" ? t.identifiers.start : t.identifiers.again}</Button>
            {picture}
          </div>
        )}
        {looking && <div>{picture}</div>}
        <Input className="mono" allowClear value={seen} maxLength={4000} spellCheck={false} placeholder={t.identifiers.lookUpHint} aria-label={t.identifiers.identifier} onChange={(event) => { read.reset(); show(event.target.value); }} />
        {read.data?.length === 0 && <Alert type="warning" showIcon title={t.identifiers.nothingRead} description={t.identifiers.nothingReadText} />}
        {read.data && read.data.length > 1 && (
          <div className="row wrap">{read.data.map(({ carrier }, place) => <Button key={place} size="small" className="mono" type={carrier.text === seen ? "primary" : "default"} onClick={() => { show(carrier.text); }}>{carrier.text}</Button>)}</div>
        )}
        {seen.trim() !== "" && <Seen text={seen.trim()} />}
      </div>
    </Page>
  );
}

/** The camera's picture; says why there is none. */
function Viewfinder({ done, stop }: { done: (text: string) => void; stop: () => void }): JSX.Element {
  const t = useText();
  const video = useRef<HTMLVideoElement>(null);
  const found = useRef(done);
  useEffect(() => { found.current = done; }, [done]);
  const [problem, setProblem] = useState<CameraProblem | null>(null);
  const [facing, setFacing] = useState<"environment" | "user">("environment");
  const [attempt, setAttempt] = useState(0);
  useEffect(() => {
    const ended = new AbortController();
    let stream: MediaStream | null = null;
    const look = async (): Promise<void> => {
      stream = await openCamera(facing);
      const shown = video.current;
      if (ended.signal.aborted || !shown) { closeCamera(stream); return; }
      shown.srcObject = stream;
      await shown.play();
      const text = await watch(shown, ended.signal);
      if (text === null) return;
      navigator.vibrate?.(60); // not every browser has it
      found.current(text);
    };
    look().catch((error: unknown) => { if (!ended.signal.aborted) setProblem(cameraProblem(error, window.isSecureContext)); });
    return () => { ended.abort(); if (stream) closeCamera(stream); };
  }, [facing, attempt]);
  if (problem) {
    const [title, text] = { absent: [t.identifiers.cameraAbsent, t.identifiers.cameraAbsentText], refused: [t.identifiers.cameraRefused, t.identifiers.cameraRefusedText], busy: [t.identifiers.cameraBusy, t.identifiers.cameraBusyText], insecure: [t.identifiers.cameraInsecure, t.identifiers.cameraInsecureText] }[problem];
    return <Alert type="warning" showIcon title={title} description={text} data-problem={problem} action={problem === "insecure" ? null : <Button size="small" onClick={() => { setProblem(null); setAttempt(attempt + 1); }}>{t.common.retry}</Button>} />;
  }
  return (
    <div className="viewfinder">
      <video ref={video} muted playsInline />
      <i aria-hidden />
      <div className="row">
        <Button icon={<SwapOutlined />} onClick={() => { setFacing(facing === "environment" ? "user" : "environment"); }}>{t.identifiers.switchCamera}</Button>
        <Button onClick={stop}>{t.identifiers.stop}</Button>
      </div>
    </div>
  );
}

/** What a text is, and what is registered under it. */
function Seen({ text }: { text: string }): JSX.Element {
  const t = useText();
  const zh = usePreferences().language === "zh";
  const label = useFieldLabel();
  const settled = useSettled(identifierIn(text, location.origin), 250);
  const systems = useResource<CodeSystem[]>("/codes/systems");
  const parsed = useParsed(settled).data;
  const code = parsed?.code ?? null;
  const record = useRecord(code ? settled : "");
  const document = useDocument(record.data?.template ?? null);
  const fields = document.data?.fields ?? [];
  const system = systems.data?.find((one) => one.name === code?.system);
  const missing = record.error instanceof ProblemError && record.error.problem.status === 404;
  if (parsed === undefined) return <p className="quiet">{t.identifiers.looking}</p>;
  const names = record.data ? [...fields.map((field) => field.name), ...Object.keys(record.data.fields)].filter((name, place, all) => all.indexOf(name) === place && record.data !== undefined && name in record.data.fields).slice(0, MOST_FIELDS) : [];
  return (
    <Panel title={t.identifiers.seen} extra={code ? <Tag style={{ marginInlineEnd: 0 }}>{(zh ? system?.label_zh : system?.label) ?? code.system}</Tag> : null}>
      <div className="stack" data-testid="seen" data-code={code?.canonical ?? ""}>
        <div className="mono" style={{ fontSize: 17, overflowWrap: "anywhere" }}>{code?.canonical ?? text}</div>
        {code === null ? <div>{t.identifiers.noCode}{isWebAddress(text) && <>: <a href={text} target="_blank" rel="noreferrer">{text}</a></>}</div> : record.data ? (
          <>
            <div style={{ color: "var(--ok)" }}>{t.identifiers.resolvedAs(record.data.name)}</div>
            <dl className="facts">{names.map((name) => { const field = fields.find((one) => one.name === name); return [<dt key={`${name}t`}>{field ? label(field) : name}</dt>, <dd key={`${name}d`}><FieldValue field={field} value={record.data.fields[name]} /></dd>]; })}</dl>
          </>
        ) : missing ? <div className="quiet">{t.identifiers.unknownHere}</div> : record.isPending ? <div className="quiet">{t.identifiers.looking}</div> : null}
        {code && (
          <div className="row wrap">
            {record.data && <Link to={recordPath(record.data.identifier)}><Button type="primary">{t.identifiers.open}</Button></Link>}
            <a href={publicPath(settled)} target="_blank" rel="noreferrer"><Button>{t.identifiers.publicPage}</Button></a>
            <Link to={codePath(settled)}><Button>{t.identifiers.codePage}</Button></Link>
          </div>
        )}
      </div>
    </Panel>
  );
}
