import { Alert, Modal } from "antd";
import { type JSX, useEffect, useRef, useState } from "react";

import { useText } from "../i18n";
import { readPicture } from "./use";

/** Of browsers that read codes themselves (Shape Detection API). */
interface Detector { detect: (source: HTMLVideoElement) => Promise<{ rawValue: string }[]> }
declare global { interface Window { BarcodeDetector?: new (options: { formats: string[] }) => Detector } }

const EVERY_MS = 600;
const MOST_PIXELS = 1280;

/** Looks through the camera until a code is read: by the browser where it can, else by the node. */
export function CameraBox({ done, close }: { done: (text: string) => void; close: () => void }): JSX.Element {
  const t = useText();
  const video = useRef<HTMLVideoElement>(null);
  const found = useRef(done);
  useEffect(() => { found.current = done; }, [done]);
  const [denied, setDenied] = useState(false);
  useEffect(() => {
    const ended = new AbortController();
    let stream: MediaStream | null = null;
    const watch = async (): Promise<void> => {
      // Pages over plain HTTP have no mediaDevices at all, whatever the type says.
      const devices = navigator.mediaDevices as MediaDevices | undefined;
      if (!devices) { setDenied(true); return; }
      stream = await devices.getUserMedia({ video: { facingMode: "environment" } });
      const shown = video.current;
      if (ended.signal.aborted || !shown) { stop(stream); return; }
      shown.srcObject = stream;
      await shown.play();
      const detector = window.BarcodeDetector ? new window.BarcodeDetector({ formats: ["qr_code", "data_matrix", "code_128"] }) : null;
      for (;;) {
        await new Promise((resolve) => setTimeout(resolve, EVERY_MS));
        if (ended.signal.aborted) return;
        const text = detector ? await byBrowser(detector, shown) : await byNode(shown, ended.signal);
        if (text !== null) { found.current(text); return; }
      }
    };
    watch().catch(() => { if (!ended.signal.aborted) setDenied(true); });
    return () => { ended.abort(); if (stream) stop(stream); };
  }, []);
  return (
    <Modal open onCancel={close} footer={null} title={t.codes.cameraTitle} width={640}>
      {denied
        ? <Alert type="warning" showIcon title={t.codes.cameraDenied} description={t.codes.cameraDeniedText} />
        : <div className="stack tight"><video ref={video} muted playsInline style={{ width: "100%", borderRadius: 6, background: "#000", aspectRatio: "4 / 3" }} /><p className="small quiet">{t.codes.cameraText}</p></div>}
    </Modal>
  );
}

const stop = (stream: MediaStream): void => { for (const track of stream.getTracks()) track.stop(); };

async function byBrowser(detector: Detector, video: HTMLVideoElement): Promise<string | null> {
  return (await detector.detect(video))[0]?.rawValue ?? null;
}

async function byNode(video: HTMLVideoElement, signal: AbortSignal): Promise<string | null> {
  const scale = Math.min(1, MOST_PIXELS / Math.max(video.videoWidth, video.videoHeight, 1));
  const canvas = document.createElement("canvas");
  canvas.width = Math.round(video.videoWidth * scale);
  canvas.height = Math.round(video.videoHeight * scale);
  canvas.getContext("2d")?.drawImage(video, 0, 0, canvas.width, canvas.height);
  const picture = await new Promise<Blob | null>((resolve) => { canvas.toBlob(resolve, "image/jpeg", 0.85); });
  return picture === null ? null : ((await readPicture(picture, signal))[0]?.carrier.text ?? null);
}
