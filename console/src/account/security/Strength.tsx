import { Form } from "antd";
import type { JSX } from "react";

import { useText } from "../../i18n";
import { strengthOf } from "./strength";

const COLOURS = ["var(--critical)", "var(--warn)", "var(--warn)", "var(--ok)"];

/** How hard the password in a field of this form is to guess, roughly; the node decides what it takes. */
export function Strength({ field }: { field: string }): JSX.Element {
  const t = useText();
  const given = Form.useWatch<string | undefined>(field) ?? "";
  if (!given) return <>{t.session.passwordHint}</>;
  const level = strengthOf(given);
  return (
    <span role="meter" aria-label={t.security.strength} aria-valuemin={0} aria-valuemax={3} aria-valuenow={level} aria-valuetext={t.security.strengths[level]}>
      <span aria-hidden style={{ display: "inline-block", width: 96, height: 4, borderRadius: 2, background: "var(--line)", marginInlineEnd: 8, verticalAlign: "middle" }}>
        <span style={{ display: "block", width: `${(level + 1) * 25}%`, height: 4, borderRadius: 2, background: COLOURS[level] }} />
      </span>
      {t.security.strengths[level]}
    </span>
  );
}
