import type { JSX } from "react";

/** The mark: a gear of eight teeth, crossed by a signal. */
export function Logo({ size = 28 }: { size?: number }): JSX.Element {
  return (
    <svg width={size} height={size} viewBox="0 0 64 64" role="img" aria-label="Millwright 百工">
      <path
        fill="var(--accent)"
        d="M25.73 9.35L26.52 3.52L37.48 3.52L38.27 9.35A23.5 23.5 0 0 1 43.58 11.55L48.26 7.99L56.01 15.74L52.45 20.42A23.5 23.5 0 0 1 54.65 25.73L60.48 26.52L60.48 37.48L54.65 38.27A23.5 23.5 0 0 1 52.45 43.58L56.01 48.26L48.26 56.01L43.58 52.45A23.5 23.5 0 0 1 38.27 54.65L37.48 60.48L26.52 60.48L25.73 54.65A23.5 23.5 0 0 1 20.42 52.45L15.74 56.01L7.99 48.26L11.55 43.58A23.5 23.5 0 0 1 9.35 38.27L3.52 37.48L3.52 26.52L9.35 25.73A23.5 23.5 0 0 1 11.55 20.42L7.99 15.74L15.74 7.99L20.42 11.55A23.5 23.5 0 0 1 25.73 9.35Z"
      />
      <path fill="none" stroke="var(--surface)" strokeWidth="4.5" strokeLinecap="round" strokeLinejoin="round" d="M15.5 34H23l5.5-13 7.5 24 5-11h7.5" />
    </svg>
  );
}
