import { DownloadOutlined, RadarChartOutlined } from "@ant-design/icons";
import { Alert, Button } from "antd";
import { type JSX, useState } from "react";
import { Link, useParams } from "react-router";

import { put } from "../api/client";
import type { NetworkReport, SiteDetail, SiteNetwork } from "../api/model";
import { useChange, useMay, useResource } from "../api/queries";
import { fileOf } from "../codes/use";
import { useFormat, useText } from "../i18n";
import { save } from "../parts/files";
import { useNow } from "../parts/now";
import { Empty, Loaded, Page, Panel } from "../parts/Page";
import { useComplain } from "../parts/Problem";
import { FindingList } from "./FindingList";
import { Interfaces, Neighbours, Protocols } from "./Inventory";
import { LinkList } from "./LinkList";
import { SiteState } from "./marks";
import { ScanBox, ScanOutcome } from "./ScanBox";
import { Topology } from "./Topology";

/** The network of one site. */
export default function NetworkPage(): JSX.Element {
  const t = useText();
  const { id = "" } = useParams();
  const detail = useResource<SiteDetail>(`/networks/${id}`, {}, { everyMs: 5000 });
  return <Loaded query={detail}>{(found) => <Site site={found.site} report={found.report} back={t.networks.back} />}</Loaded>;
}

function Site({ site, report, back }: { site: SiteNetwork; report: NetworkReport | null; back: string }): JSX.Element {
  const t = useText();
  const f = useFormat();
  const now = useNow();
  const complain = useComplain();
  const may = useMay("network:write");
  const mayScan = useMay("network:scan");
  const [scanning, setScanning] = useState(false);
  const watch = useChange((watched: boolean) => put<SiteDetail>(`/networks/${site.id}/watching`, { watched }), ["networks", "devices"]);
  const take = (): void => { fileOf(`/networks/${site.id}/export`).then((file) => { save("network.csv", file); }, complain); };
  const turn = may && <Button type={site.watched ? "default" : "primary"} loading={watch.isPending} title={t.networks.watchText} onClick={() => { watch.mutate(!site.watched); }}>{site.watched ? t.networks.unwatch : t.networks.watch}</Button>;
  const ready = report?.readiness;
  return (
    <Page
      title={t.networks.of(site.name)} lead={<SiteState site={site} />}
      text={<><Link to="/networks">{back}</Link> · {t.networks[site.kind]}{site.seen_ms ? ` · ${t.networks.seen} ${f.ago(site.seen_ms, now)}` : ""}{site.watched && site.device_id ? <> · <Link to={`/devices/${site.device_id}?tab=trend`}>{t.networks.figures}</Link></> : ` · ${t.networks.off}`}</>}
      actions={<>{report && <Button icon={<DownloadOutlined />} onClick={take}>{t.networks.export}</Button>}{mayScan && report && <Button icon={<RadarChartOutlined />} onClick={() => { setScanning(true); }}>{t.networks.scan}</Button>}{turn}</>}
    >
      {!report || !ready
        ? <div className="panel"><Empty title={t.networks.empty} text={site.kind === "node" ? t.networks.emptyNode : t.networks.emptyEdge}>{site.kind === "node" && !site.watched && turn}</Empty></div>
        : (
          <div className="grid">
            {report.limits.map((each) => <Alert key={each} type="info" showIcon title={t.networks.limits[each] ?? each} />)}
            {report.scan && <ScanOutcome scan={report.scan} />}
            <Panel title={t.networks.findings} extra={<span className="num quiet">{f.number(report.findings.length)}</span>}><FindingList findings={report.findings} /></Panel>
            <Panel title={t.networks.topology}><Topology name={site.name} report={report} /></Panel>
            <Panel title={t.networks.links} flush><LinkList links={report.links} /></Panel>
            <Panel title={t.networks.ready} extra={<b className="num">{f.number(ready.share_pct)} %</b>}>
              <div role="img" aria-label={`${f.number(ready.share_pct)} %`} style={{ height: 8, borderRadius: 4, background: "var(--line)", overflow: "hidden", marginBlockEnd: 12 }}><div style={{ width: `${Math.min(100, ready.share_pct)}%`, height: "100%", background: "var(--ok)" }} /></div>
              <div>{t.networks.readyHosts(ready.hosts_v6, ready.hosts)}</div>
              <div>{t.networks.readyLinks(ready.links_v6, ready.links)}</div>
              <div>{t.networks.readyInterfaces(ready.interfaces_v6, ready.interfaces)}</div>
              <div className="small quiet">{t.networks.way4}: {ready.default_v4 ? t.common.yes : t.common.no} · {t.networks.way6}: {ready.default_v6 ? t.common.yes : t.common.no}</div>
            </Panel>
            <Panel title={t.networks.protocols} flush><Protocols report={report} /></Panel>
            <Panel title={t.networks.interfaces} flush><Interfaces report={report} /></Panel>
            <Panel title={t.networks.neighbours} flush><Neighbours site={site} report={report} /></Panel>
          </div>
        )}
      {scanning && report && <ScanBox siteId={site.id} report={report} close={() => { setScanning(false); }} />}
    </Page>
  );
}
