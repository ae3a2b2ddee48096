import type { Priority } from "../api/model";

const BEEPS: Record<Priority, number> = { critical: 3, high: 2, medium: 1, low: 1 };
let context: AudioContext | null = null;

/** Short beeps made on the spot: three for critical, two for high, one for the others. */
export function alarmBeep(priority: Priority): void {
  context ??= new AudioContext();
  const start = context.currentTime;
  for (let i = 0; i < BEEPS[priority]; i++) {
    const tone = context.createOscillator();
    const volume = context.createGain();
    tone.frequency.value = priority === "low" ? 520 : 880;
    volume.gain.setValueAtTime(0, start + i * 0.22);
    volume.gain.linearRampToValueAtTime(0.18, start + i * 0.22 + 0.02);
    volume.gain.linearRampToValueAtTime(0, start + i * 0.22 + 0.16);
    tone.connect(volume).connect(context.destination);
    tone.start(start + i * 0.22);
    tone.stop(start + i * 0.22 + 0.18);
  }
}
