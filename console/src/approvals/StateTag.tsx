import { Tag } from "antd";
import type { JSX } from "react";

import type { Approval } from "../api/model";
import { useText } from "../i18n";

const COLOURS: Partial<Record<Approval["state"], string>> = { asked: "processing", approved: "processing", executing: "processing", done: "success", failed: "error", rejected: "warning" };

export function StateTag({ approval }: { approval: Approval }): JSX.Element {
  const t = useText();
  const colour = COLOURS[approval.state];
  return <Tag {...(colour && { color: colour })} data-state={approval.state}>{t.approvals.states[approval.state]}</Tag>;
}
