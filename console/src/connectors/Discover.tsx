import { RadarChartOutlined } from "@ant-design/icons";
import { useMutation } from "@tanstack/react-query";
import { Alert, Button } from "antd";
import type { JSX } from "react";

import { post } from "../api/client";
import type { ConnectorKind, FoundPeer } from "../api/model";
import { useText } from "../i18n";
import { wordsOf } from "../parts/Problem";
import { FoundPeers } from "./FoundPeers";

const LOOK_S = 5;

/** Looks for machines of a protocol on the network of the node; one that was found fills the form. */
export function Discover({ kind, take }: { kind: ConnectorKind; take: (found: FoundPeer) => void }): JSX.Element {
  const t = useText();
  const look = useMutation({ mutationFn: () => post<FoundPeer[]>("/connectors/discover", { kind: kind.key, timeout_s: LOOK_S }) });
  const failed = look.error ? wordsOf(look.error, t) : null;
  return (
    <div style={{ marginBlockEnd: 16 }} data-testid="discover">
      <Button icon={<RadarChartOutlined />} loading={look.isPending} onClick={() => { look.mutate(); }}>{look.isPending ? t.points.looking : t.points.look}</Button>
      {failed && <Alert type="error" showIcon title={failed.title} description={failed.hint} style={{ marginBlockStart: 8 }} />}
      {look.data?.length === 0 && <p className="small quiet" style={{ marginBlock: 8 }}>{t.points.nothing}</p>}
      {look.data && look.data.length > 0 && <FoundPeers peers={look.data} take={take} />}
    </div>
  );
}
