import { Form, Select } from "antd";
import type { JSX } from "react";

import type { Edge } from "../api/model";
import { useList, useMay } from "../api/queries";
import { useText } from "../i18n";

/** At which edge a device connects, or a connection runs (`label`); nothing while there are no edges. */
export function EdgeField({ label }: { label?: string }): JSX.Element | null {
  const t = useText();
  const may = useMay("edges:read");
  const edges = useList<Edge>("/edges", {}, { enabled: may });
  const there = (edges.data ?? []).filter((each) => each.state !== "revoked");
  if (there.length === 0) return null;
  return <Form.Item name="edge_id" label={label ?? t.edges.at}><Select allowClear placeholder={t.edges.here} options={there.map((each) => ({ value: each.id, label: each.name }))} showSearch={{ optionFilterProp: "label" }} /></Form.Item>;
}
