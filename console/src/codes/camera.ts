/** Reading codes through the camera: by the browser where it can, else by the node. */
import { readPicture } from "./use";

/** Of browsers that read codes themselves (Shape Detection API). */
interface Detector { detect: (source: HTMLVideoElement) => Promise<{ rawValue: string }[]> }
declare global { interface Window { BarcodeDetector?: new (options: { formats: string[] }) => Detector } }

const EVERY_MS = 600;
const MOST_PIXELS = 1280;

/** Why there is no picture from a camera. */
export type CameraProblem = "absent" | "refused" | "busy" | "insecure";

/** What a failure of `getUserMedia` means for the person. */
export function cameraProblem(error: unknown, secure: boolean): CameraProblem {
  if (!secure) return "insecure";
  const name = error instanceof Error || error instanceof DOMException ? error.name : "";
  if (name === "NotAllowedError" || name === "SecurityError") return "refused";
  if (name === "NotReadableError" || name === "AbortError") return "busy";
  return "absent";
}

/** The picture of the camera. @throws what `getUserMedia` throws; TypeError where pages have none */
export function openCamera(facing: "environment" | "user" = "environment"): Promise<MediaStream> {
  // Pages over plain HTTP have no mediaDevices at all, whatever the type says.
  const devices = navigator.mediaDevices as MediaDevices | undefined;
  return devices ? devices.getUserMedia({ video: { facingMode: facing, width: { ideal: 1280 } } }) : Promise.reject(new TypeError("no mediaDevices"));
}

export const closeCamera = (stream: MediaStream): void => { for (const track of stream.getTracks()) track.stop(); };

/** Looks until a code is read; null when told to stop. */
export async function watch(video: HTMLVideoElement, signal: AbortSignal): Promise<string | null> {
  const detector = window.BarcodeDetector ? new window.BarcodeDetector({ formats: ["qr_code", "data_matrix", "code_128"] }) : null;
  for (;;) {
    await new Promise((resolve) => setTimeout(resolve, EVERY_MS));
    if (signal.aborted) return null;
    const text = detector ? ((await detector.detect(video))[0]?.rawValue ?? null) : await byNode(video, signal);
    if (text !== null) return text;
  }
}

async function byNode(video: HTMLVideoElement, signal: AbortSignal): Promise<string | null> {
  const scale = Math.min(1, MOST_PIXELS / Math.max(video.videoWidth, video.videoHeight, 1));
  const canvas = document.createElement("canvas");
  canvas.width = Math.round(video.videoWidth * scale);
  canvas.height = Math.round(video.videoHeight * scale);
  if (canvas.width === 0 || canvas.height === 0) return null; // nothing was seen yet
  canvas.getContext("2d")?.drawImage(video, 0, 0, canvas.width, canvas.height);
  const picture = await new Promise<Blob | null>((resolve) => { canvas.toBlob(resolve, "image/jpeg", 0.85); });
  return picture === null ? null : ((await readPicture(picture, signal))[0]?.carrier.text ?? null);
}
