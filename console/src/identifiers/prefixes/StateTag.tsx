import { Tag } from "antd";
import type { JSX } from "react";

import type { PrefixState } from "../../api/identifiers";
import { useText } from "../../i18n";

const COLOURS: Partial<Record<PrefixState, string>> = { submitted: "processing", in_review: "processing", approved: "processing", active: "success", returned: "warning", suspended: "warning", expired: "warning", rejected: "error" };

export function StateTag({ state }: { state: PrefixState }): JSX.Element {
  const t = useText();
  const colour = COLOURS[state];
  return <Tag {...(colour && { color: colour })} data-state={state} style={{ marginInlineEnd: 0 }}>{t.prefixes.states[state]}</Tag>;
}
