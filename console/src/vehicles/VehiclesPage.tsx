import { PlusOutlined } from "@ant-design/icons";
import { Alert, App, Button, Tabs } from "antd";
import { type JSX, useState } from "react";
import { Link } from "react-router";

import { post } from "../api/client";
import type { ThingModel, VehicleAccess } from "../api/model";
import { useChange, useMay, useResource } from "../api/queries";
import { useFormat, useText } from "../i18n";
import { useFilters } from "../parts/filters";
import { Empty, Loaded, Page } from "../parts/Page";
import { Forwards, Refusals } from "./Forwards";
import { PlatformBox } from "./PlatformBox";
import { Platforms } from "./Platforms";
import { Terminals } from "./Terminals";

/** Vehicles and platforms of GB/T 32960: who is there, why not, and what goes on to public platforms. */
export default function VehiclesPage(): JSX.Element {
  const t = useText();
  const f = useFormat();
  const engineer = useMay("devices:credential");
  const designer = useMay("models:write");
  const { message } = App.useApp();
  const [filters, set] = useFilters();
  const [registering, setRegistering] = useState(false);
  const access = useResource<VehicleAccess>("/vehicles", {}, { everyMs: 5000 });
  const complete = useChange(() => post<ThingModel>("/vehicles/model"), ["vehicles", "models", "devices"], () => { void message.success(t.vehicles.commandsAdded); });
  const tab = filters.get("tab") ?? "terminals";
  const add = engineer && <Link to="/devices?new=1"><Button type="primary" icon={<PlusOutlined />}>{t.vehicles.add}</Button></Link>;
  const register = engineer && <Button onClick={() => { setRegistering(true); }}>{t.vehicles.addPlatform}</Button>;
  const actions = <>{add}{register}</>;
  return (
    <Page title={t.vehicles.title} text={t.vehicles.text} actions={actions}>
      <Loaded query={access}>
        {(found) => {
          const closed = found.port === null && found.tls_port === null;
          const told = found.vehicles !== null && found.vehicles !== undefined;
          if (closed && found.model_id === null) return <div className="panel"><Empty title={t.vehicles.closedTitle} text={t.vehicles.closed} /></div>;
          return (
            <div className="stack" style={{ gap: 12 }}>
              {closed && <Alert type="info" showIcon title={t.vehicles.closedTitle} description={t.vehicles.closed} />}
              {!closed && !found.running && <Alert type="warning" showIcon title={t.vehicles.notRunning} description={t.vehicles.notRunningText} />}
              {found.model_id !== null && !found.commands && <Alert type="info" showIcon title={t.vehicles.commandsMissing} action={designer && <Button size="small" loading={complete.isPending} onClick={() => { complete.mutate(undefined as never); }}>{t.vehicles.commandsAdd}</Button>} />}
              {told && <p className="quiet" style={{ margin: 0 }} data-testid="connected">{t.vehicles.connected(f.number(found.vehicles ?? 0), f.number(found.platforms ?? 0))}{found.commands && <> · {t.vehicles.commandText}</>}</p>}
              <Tabs
                activeKey={tab} onChange={(key) => { set({ tab: key === "terminals" ? null : key, q: null, status: null }); }}
                items={[
                  { key: "terminals", label: t.vehicles.terminals, children: <Terminals add={add} /> },
                  { key: "platforms", label: t.vehicles.platforms, children: <Platforms add={register} /> },
                  ...(told ? [
                    { key: "forwards", label: t.vehicles.forwards, children: <Forwards targets={found.forwards} /> },
                    { key: "refusals", label: t.vehicles.refusals, children: <Refusals counts={found.refused} /> },
                  ] : []),
                ]}
              />
            </div>
          );
        }}
      </Loaded>
      {registering && <PlatformBox close={() => { setRegistering(false); }} />}
    </Page>
  );
}
