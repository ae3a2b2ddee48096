import type { TableColumnsType } from "antd";
import type { JSX } from "react";
import { Link, useNavigate } from "react-router";

import type { SiteNetwork } from "../api/model";
import { useList } from "../api/queries";
import { useFormat, useText } from "../i18n";
import { Listing } from "../parts/Listing";
import { useNow } from "../parts/now";
import { Empty, Loaded, Page } from "../parts/Page";
import { SiteState } from "./marks";

/** This node and its edges: how the network of each is. */
export default function NetworksPage(): JSX.Element {
  const t = useText();
  const f = useFormat();
  const go = useNavigate();
  const now = useNow();
  const sites = useList<SiteNetwork>("/networks", {}, { everyMs: 5000 });
  const up = (s: SiteNetwork): string => (s.seen_ms === null ? "–" : `${f.number(s.links - s.links_down)} / ${f.number(s.links)}`);
  const share = (s: SiteNetwork): string => (s.share_pct === null ? "–" : `${f.number(s.share_pct)} %`);
  const columns: TableColumnsType<SiteNetwork> = [
    { title: t.networks.site, key: "name", render: (_, s) => <><Link to={`/networks/${s.id}`} style={{ fontWeight: 500 }}>{s.name}</Link><div className="small faint">{t.networks[s.kind]}</div></> },
    { title: t.networks.state, key: "state", render: (_, s) => <SiteState site={s} /> },
    { title: t.networks.linksUp, key: "links", align: "right", render: (_, s) => <span className="num">{up(s)}</span> },
    { title: t.networks.findings, key: "findings", align: "right", render: (_, s) => <span className="num">{s.seen_ms === null ? "–" : f.number(s.findings)}</span> },
    { title: t.networks.ipv6, key: "ipv6", align: "right", render: (_, s) => <span className="num">{share(s)}</span> },
    { title: t.networks.seen, key: "seen", render: (_, s) => (s.seen_ms ? f.ago(s.seen_ms, now) : "–") },
    { title: t.networks.watched, key: "watched", render: (_, s) => (s.watched ? t.common.yes : t.common.no) },
  ];
  return (
    <Page title={t.networks.title} text={t.networks.text}>
      <Loaded query={sites}>
        {(list) => list.length === 0
          ? <div className="panel"><Empty title={t.networks.noSites} text={t.networks.noSitesText} /></div>
          : <Listing
              items={list} columns={columns} rowKey={(s) => s.id} onOpen={(s) => { void go(`/networks/${s.id}`); }}
              card={(s) => (
                <Link className="card" to={`/networks/${s.id}`}>
                  <div className="row spread"><b>{s.name}</b><SiteState site={s} /></div>
                  <div className="row spread small"><span>{t.networks.linksUp} {up(s)}</span><span>{t.networks.findings} {f.number(s.findings)} · {t.networks.ipv6} {share(s)}</span></div>
                </Link>
              )}
            />}
      </Loaded>
    </Page>
  );
}
