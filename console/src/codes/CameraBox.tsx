import { Alert, Modal } from "antd";
import { type JSX, useEffect, useRef, useState } from "react";

import { useText } from "../i18n";
import { closeCamera, openCamera, watch } from "./camera";

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
    const look = async (): Promise<void> => {
      stream = await openCamera();
      const shown = video.current;
      if (ended.signal.aborted || !shown) { closeCamera(stream); return; }
      shown.srcObject = stream;
      await shown.play();
      const text = await watch(shown, ended.signal);
      if (text !== null) found.current(text);
    };
    look().catch(() => { if (!ended.signal.aborted) setDenied(true); });
    return () => { ended.abort(); if (stream) closeCamera(stream); };
  }, []);
  return (
    <Modal open onCancel={close} footer={null} title={t.codes.cameraTitle} width={640}>
      {denied
        ? <Alert type="warning" showIcon title={t.codes.cameraDenied} description={t.codes.cameraDeniedText} />
        : <div className="stack tight"><video ref={video} muted playsInline style={{ width: "100%", borderRadius: 6, background: "#000", aspectRatio: "4 / 3" }} /><p className="small quiet">{t.codes.cameraText}</p></div>}
    </Modal>
  );
}
