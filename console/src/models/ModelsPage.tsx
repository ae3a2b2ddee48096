import { PlusOutlined } from "@ant-design/icons";
import { Button, type TableColumnsType } from "antd";
import type { JSX } from "react";
import { Link, useNavigate } from "react-router";

import type { ThingModel } from "../api/model";
import { useMay, useModels } from "../api/queries";
import { useFormat, useText, useTitle } from "../i18n";
import { Listing } from "../parts/Listing";
import { Empty, Loaded, Page } from "../parts/Page";

export default function ModelsPage(): JSX.Element {
  const t = useText();
  const f = useFormat();
  const title = useTitle();
  const navigate = useNavigate();
  const engineer = useMay("models:write");
  const models = useModels();
  const add = engineer && <Link to="/models/new"><Button type="primary" icon={<PlusOutlined />}>{t.models.add}</Button></Link>;
  const columns: TableColumnsType<ThingModel> = [
    { key: "name", title: t.common.name, render: (_, m) => <><Link to={`/models/${m.id}`} style={{ fontWeight: 500 }}>{title(m)}</Link>{title(m) !== m.name && <div className="small quiet mono">{m.name}</div>}</> },
    { key: "count", title: t.models.properties, align: "right", render: (_, m) => <span className="num">{m.properties.length}</span> },
    { key: "devices", title: t.devices.title, align: "right", render: (_, m) => <Link className="num" to={`/devices?model=${m.id}`}>{f.number(m.device_count ?? 0)}</Link> },
    { key: "version", title: t.system.version, align: "right", render: (_, m) => <span className="num quiet">{m.version}</span> },
    { key: "created", title: t.common.created, render: (_, m) => <span className="num quiet">{m.created_ms ? f.time(m.created_ms) : "–"}</span> },
  ];
  return (
    <Page title={t.models.title} actions={add}>
      <Loaded query={models}>
        {(list) => list.length
          ? <Listing items={list} columns={columns} rowKey={(m) => m.id} onOpen={(m) => void navigate(`/models/${m.id}`)} card={(m) => <Link className="card" to={`/models/${m.id}`}><div className="row spread"><b className="cut">{title(m)}</b><span className="small quiet">{t.models.version(m.version)}</span></div><div className="small quiet">{t.models.count(m.properties.length)} · {t.devices.count(m.device_count ?? 0)}</div></Link>} />
          : <div className="panel"><Empty title={t.models.empty} text={t.models.emptyText}>{add}</Empty></div>}
      </Loaded>
    </Page>
  );
}
