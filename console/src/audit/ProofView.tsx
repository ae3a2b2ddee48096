import { useQuery } from "@tanstack/react-query";
import type { JSX } from "react";

import type { LedgerEntry, Proof } from "../api/model";
import { useResource } from "../api/queries";
import { useFormat, useText } from "../i18n";
import { Loaded } from "../parts/Page";
import { canHash, check, type Verdict } from "./proof";

/** Fetches the proof of an entry and checks it with the browser's own cryptography. */
export function ProofView({ entry }: { entry: LedgerEntry }): JSX.Element {
  const proof = useResource<Proof>(`/ledger/entries/${entry.id}/proof`);
  return <Loaded query={proof}>{(found) => <Checks proof={found} />}</Loaded>;
}

function Checks({ proof }: { proof: Proof }): JSX.Element {
  const t = useText();
  const f = useFormat();
  const able = canHash(proof.algorithm);
  const checked = useQuery({ queryKey: ["proof", proof.leaf, proof.root, proof.checkpoint], queryFn: () => check(proof), enabled: able, staleTime: Infinity });
  if (!able) return <div className="notice">{t.audit.insecure}</div>;
  return (
    <Loaded query={checked}>
      {(found) => {
        const verdicts = [found.leaf, found.path, found.head, found.signature];
        const right = verdicts.every((v) => v !== "wrong");
        return (
          <div className="stack" data-proof={right ? "right" : "wrong"}>
            <div className={right ? "waiting arrived" : "notice"} role="status"><b>{right ? t.audit.proofRight(f.number(proof.index), f.number(proof.size)) : t.audit.proofWrong}</b></div>
            <dl className="facts">
              <dt>{t.audit.steps.leaf}</dt><dd><VerdictMark verdict={found.leaf} /></dd>
              <dt>{t.audit.steps.path(proof.path.length)}</dt><dd><VerdictMark verdict={found.path} /></dd>
              <dt>{t.audit.steps.head}</dt><dd><VerdictMark verdict={found.head} /></dd>
              <dt>{t.audit.steps.signature}</dt><dd><VerdictMark verdict={found.signature} /></dd>
            </dl>
            <details><summary>{t.audit.text}</summary><pre className="payload" style={{ whiteSpace: "pre-wrap", overflowWrap: "anywhere" }}>{proof.entry}</pre></details>
            <details><summary>{t.audit.path}</summary><ol className="small mono" style={{ overflowWrap: "anywhere", paddingInlineStart: 24 }}>{found.steps.map((s, i) => <li key={i}>{s.left ? "◁ " : "▷ "}{s.hash}</li>)}</ol></details>
            <details open><summary>{t.audit.checkpoint}</summary><pre className="payload">{proof.checkpoint}</pre></details>
          </div>
        );
      }}
    </Loaded>
  );
}

function VerdictMark({ verdict }: { verdict: Verdict }): JSX.Element {
  const t = useText();
  const sign = { right: "✓", wrong: "✗", unchecked: "–" }[verdict];
  const colour = { right: "var(--ok)", wrong: "var(--critical)", unchecked: "var(--faint)" }[verdict];
  return <span style={{ color: colour }}><b aria-hidden>{sign}</b> {t.audit.verdicts[verdict]}</span>;
}
