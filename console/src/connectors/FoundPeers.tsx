import type { JSX } from "react";

import type { FoundPeer } from "../api/model";

/** Machines that were found; one that is pressed fills the form. */
export function FoundPeers({ peers, take }: { peers: readonly FoundPeer[]; take: (found: FoundPeer) => void }): JSX.Element {
  return (
    <div className="grid" style={{ gap: 8, marginBlockStart: 8, maxHeight: 260, overflow: "auto" }}>
      {peers.map((one, at) => (
        <button key={`${one.title}-${at}`} type="button" className="card" data-found={one.title} onClick={() => { take(one); }}>
          <b>{one.title}</b>
          <div className="small quiet">{one.detail}</div>
          <div className="small mono faint cut">{Object.entries(one.settings).map(([key, value]) => `${key}: ${typeof value === "object" ? JSON.stringify(value) : String(value)}`).join("  ")}</div>
        </button>
      ))}
    </div>
  );
}
