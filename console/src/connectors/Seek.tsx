import { AimOutlined } from "@ant-design/icons";
import { useMutation } from "@tanstack/react-query";
import { Alert, Button, Input, Space } from "antd";
import { type JSX, useEffect, useRef, useState } from "react";

import { request } from "../api/client";
import type { ConnectorKind, FoundPeer } from "../api/model";
import { useText } from "../i18n";
import { wordsOf } from "../parts/Problem";
import { FoundPeers } from "./FoundPeers";

const ONE_S = 15;
const MANY_S = 30;

/** Asks an address, or each of a small network, who is there: for protocols whose machines do not announce themselves. */
export function Seek({ kind, edgeId, take }: { kind: ConnectorKind; edgeId?: string | undefined; take: (found: FoundPeer) => void }): JSX.Element {
  const t = useText();
  const [at, setAt] = useState("");
  const under = useRef<AbortController | null>(null);
  useEffect(() => () => { under.current?.abort(); }, []);
  const look = useMutation({
    mutationFn: (where: string) => {
      under.current = new AbortController();
      const body = { kind: kind.key, at: where, timeout_s: where.includes("/") ? MANY_S : ONE_S, ...(edgeId && { edge_id: edgeId }) };
      return request<FoundPeer[]>("POST", "/connectors/discover", { body, signal: under.current.signal });
    },
  });
  const stopped = look.error instanceof DOMException;
  const failed = look.error && !stopped ? wordsOf(look.error, t) : null;
  const go = (): void => { if (at.trim() && !look.isPending) look.mutate(at.trim()); };
  return (
    <div style={{ marginBlockEnd: 16 }} data-testid="seek">
      <Space.Compact style={{ width: "100%", maxWidth: 460 }}>
        <Input value={at} aria-label={t.points.seekAt} placeholder={t.points.seekAt} autoComplete="off" onChange={(event) => { setAt(event.target.value); }} onPressEnter={(event) => { event.preventDefault(); go(); }} />
        {look.isPending
          ? <Button loading onClick={() => { under.current?.abort(); }}>{t.points.stop}</Button>
          : <Button icon={<AimOutlined />} disabled={!at.trim()} onClick={go}>{t.points.seek}</Button>}
      </Space.Compact>
      {failed && <Alert type="error" showIcon title={failed.title} description={failed.hint} style={{ marginBlockStart: 8 }} />}
      {look.data?.length === 0 && <p className="small quiet" style={{ marginBlock: 8 }}>{t.points.nobody}</p>}
      {look.data && look.data.length > 0 && <FoundPeers peers={look.data} take={take} />}
    </div>
  );
}
