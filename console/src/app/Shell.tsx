import {
  AimOutlined, AlertOutlined, ApartmentOutlined, ApiOutlined, AuditOutlined, BankOutlined, BarChartOutlined, BellOutlined, BuildOutlined, CarOutlined, CheckSquareOutlined, ClusterOutlined, ControlOutlined, DashboardOutlined, DatabaseOutlined, DeploymentUnitOutlined, HistoryOutlined, InboxOutlined, MedicineBoxOutlined, MenuOutlined, NumberOutlined, ProfileOutlined, QrcodeOutlined, RadarChartOutlined, SafetyCertificateOutlined, SafetyOutlined, ScanOutlined, SolutionOutlined, TagsOutlined, TeamOutlined,
} from "@ant-design/icons";
import { Badge, Button, Drawer, Layout, Menu, type MenuProps, Skeleton } from "antd";
import { type JSX, type ReactNode, useEffect, useState } from "react";
import { Link, Navigate, Outlet, useLocation, useNavigate } from "react-router";

import { ProblemError, whenSignedOut } from "../api/client";
import { live, useLiveState } from "../api/live";
import type { OperationSummary, PrefixSummary } from "../api/identifiers";
import type { ApprovalSummary, Overview, Session, VehicleAccess } from "../api/model";
import { queryClient, useMay, useResource, useRights, useSession } from "../api/queries";
import { useText } from "../i18n";
import { ProofBox } from "../account/security/ProofBox";
import { RestrictedPage } from "../account/security/RestrictedPage";
import { Logo } from "../parts/Logo";
import { ProblemView } from "../parts/Problem";
import { usePhone } from "../parts/screen";
import { OrganisationSwitch } from "../organisations/OrganisationSwitch";
import { HeaderTools } from "./HeaderTools";
import { Shortcuts } from "./Shortcuts";
import { useLiveRefresh } from "./liveRefresh";
import { hasPreferences, setPreferences } from "./preferences";

/** The frame around every page; lets in only who is signed in. */
export function Shell(): JSX.Element {
  const session = useSession();
  const location = useLocation();
  if (session.data?.restricted) return <><RestrictedPage /><ProofBox /></>;
  if (session.data) return <><Frame session={session.data} /><ProofBox /></>;
  if (session.error instanceof ProblemError && session.error.problem.status === 401)
    return <Navigate to="/sign-in" replace state={{ from: location.pathname + location.search }} />;
  if (session.error) return <ProblemView error={session.error} retry={() => void session.refetch()} />;
  return <div style={{ padding: 48 }}><Skeleton active /></div>;
}

function Frame({ session }: { session: Session }): JSX.Element {
  const t = useText();
  const phone = usePhone();
  const [drawer, setDrawer] = useState(false);
  const navigate = useNavigate();
  useLiveRefresh();
  useEffect(() => {
    live.enable(true);
    whenSignedOut(() => {
      if (location.pathname === "/sign-in") return; // the answer to a request that was sent before
      const from = location.pathname + location.search;
      queryClient.clear();
      void navigate("/sign-in", { replace: true, state: { from } });
    });
    return () => { live.enable(false); };
  }, [navigate]);
  useEffect(() => {
    // The language kept with the person wins on a browser that has no choice of its own yet.
    const kept = session.person.language;
    if ((kept === "zh" || kept === "en") && !hasPreferences()) setPreferences({ language: kept });
  }, [session.person.language]);

  const brand = <Link className="shell-brand" to="/" onClick={() => { setDrawer(false); }}><Logo />{t.brand.name}</Link>;
  return (
    <Layout className="shell">
      <a className="skip" href="#content">{t.nav.skip}</a>
      {!phone && <Layout.Sider width={216} className="shell-sider">{brand}<Navigation /><Foot /></Layout.Sider>}
      <Layout>
        <Layout.Header className="shell-header">
          {phone && <Button type="text" icon={<MenuOutlined />} aria-label={t.nav.menu} onClick={() => { setDrawer(true); }} />}
          {phone && <Link to="/" aria-label={t.nav.overview}><Logo size={26} /></Link>}
          <LiveSign />
          {!phone && <OrganisationSwitch />}
          <div className="grow" />
          <HeaderTools session={session} />
        </Layout.Header>
        <Layout.Content id="content" className="shell-content" tabIndex={-1}><Outlet /></Layout.Content>
      </Layout>
      <Drawer open={phone && drawer} onClose={() => { setDrawer(false); }} placement="left" size={264} title={brand} styles={{ body: { padding: 8 }, header: { padding: "0 8px" } }}>
        <OrganisationSwitch />
        <Navigation onGo={() => { setDrawer(false); }} />
      </Drawer>
      <Shortcuts />
    </Layout>
  );
}

function Navigation({ onGo }: { onGo?: () => void }): JSX.Element {
  const t = useText();
  const { pathname } = useLocation();
  const people = useMay("people:read");
  const node = useMay("system:read");
  const retention = useMay("retention:read");
  const audit = useMay("ledger:read");
  const decides = useMay("approvals:decide");
  const approvals = useResource<ApprovalSummary>("/approvals/summary", {}, { everyMs: 5000 });
  const waiting = approvals.data?.waiting ?? 0;
  const usage = useMay("metering:read");
  const connectors = useMay("connectors:read");
  const codes = useMay("codes:use");
  const records = useMay("identifiers:read");
  const prefixes = useMay("prefixes:read");
  const operates = useMay("identifiers:operate");
  const templates = useMay("templates:read");
  const filings = useMay("filings:read");
  const toDecide = useResource<PrefixSummary>("/prefixes/summary", {}, { enabled: prefixes, everyMs: 15_000 });
  const findings = useResource<OperationSummary>("/identifiers/operation", {}, { enabled: operates, everyMs: 30_000 });
  const drills = useMay("drills:read");
  const edges = useMay("edges:read");
  const networks = useMay("network:read");
  const located = useMay("location:read");
  const fleet = useResource<VehicleAccess>("/vehicles", {}, { everyMs: 60_000 }).data;
  const vehicles = fleet !== undefined && (fleet.port !== null || fleet.tls_port !== null || fleet.model_id !== null);
  const several = (useRights(60_000).data?.organisations.length ?? 0) > 1;
  const overview = useResource<Overview>("/overview", {}, { everyMs: 5000 });
  const asking = overview.data?.alarms.unacknowledged ?? 0;
  const unread = overview.data?.dead_letters.count ?? 0;
  const item = (path: string, icon: ReactNode, text: string, badge?: number): NonNullable<MenuProps["items"]>[number] => ({
    key: path, icon,
    label: (
      <Link to={path} onClick={onGo} className="row spread" style={{ textDecoration: "none" }}>
        <span>{text}</span>{badge ? <Badge count={badge} overflowCount={999} size="small" color="var(--quiet)" /> : null}
      </Link>
    ),
  });
  const identifiers = [
    ...(records ? [item("/identifiers", <NumberOutlined />, t.nav.records), item("/scan", <ScanOutlined />, t.nav.scan)] : []),
    ...(prefixes ? [item("/prefixes", <SafetyCertificateOutlined />, t.nav.prefixes, toDecide.data?.waiting)] : []),
    ...(filings ? [item("/filings", <SolutionOutlined />, t.nav.filings)] : []),
    ...(templates ? [item("/identifier-templates", <ProfileOutlined />, t.nav.templates)] : []),
    ...(operates ? [item("/identifier-operation", <RadarChartOutlined />, t.nav.operation, findings.data?.open_findings)] : []),
    ...(records ? [item("/emergency", <MedicineBoxOutlined />, t.emergency.title)] : []),
    ...(codes ? [item("/codes", <QrcodeOutlined />, t.nav.codes)] : []),
    ...(drills ? [item("/drills", <SafetyOutlined />, t.nav.drills)] : []),
  ];
  const items = [
    item("/", <DashboardOutlined />, t.nav.overview),
    item("/alarms", <BellOutlined />, t.nav.alarms, asking),
    item("/devices", <BuildOutlined />, t.nav.devices),
    ...(connectors ? [item("/connectors", <ApiOutlined />, t.connectors.title)] : []),
    ...(vehicles ? [item("/vehicles", <CarOutlined />, t.vehicles.title)] : []),
    ...(decides || waiting > 0 || (approvals.data?.mine ?? 0) > 0 ? [item("/approvals", <CheckSquareOutlined />, t.nav.approvals, waiting)] : []),
    { type: "divider" as const },
    item("/places", <ApartmentOutlined />, t.nav.places),
    ...(located ? [item("/location", <AimOutlined />, t.location.title)] : []),
    ...(edges ? [item("/edges", <ClusterOutlined />, t.edges.title)] : []),
    ...(networks ? [item("/networks", <DeploymentUnitOutlined />, t.networks.title)] : []),
    item("/models", <DatabaseOutlined />, t.nav.models),
    item("/rules", <AlertOutlined />, t.nav.rules),
    ...(identifiers.length > 0 ? [{ key: "identifiers", icon: <TagsOutlined />, label: t.nav.identifiers, children: identifiers }] : []),
    { type: "divider" as const },
    item("/dead-letters", <InboxOutlined />, t.nav.deadLetters, unread),
    ...(retention ? [item("/retention", <HistoryOutlined />, t.nav.retention)] : []),
    ...(usage ? [item("/usage", <BarChartOutlined />, t.nav.usage)] : []),
    ...(node ? [item("/system", <ControlOutlined />, t.nav.system)] : []),
    ...(audit ? [item("/audit", <AuditOutlined />, t.nav.audit)] : []),
    ...(several ? [item("/organisations", <BankOutlined />, t.nav.organisations)] : []),
    ...(people ? [item("/people", <TeamOutlined />, t.nav.people)] : []),
  ];
  const first = `/${pathname.split("/")[1] ?? ""}`;
  const chosen = first === "/readings" ? "/devices" : first; // history is brought in from the list of devices
  const within = identifiers.some((one) => one?.key === chosen);
  const [open, setOpen] = useState<string[]>(within ? ["identifiers"] : []);
  useEffect(() => { if (within) setOpen(["identifiers"]); }, [within]);
  return <nav aria-label={t.nav.menu} style={{ display: "contents" }}><Menu mode="inline" selectedKeys={[chosen]} openKeys={open} onOpenChange={setOpen} items={items} /></nav>;
}

function Foot(): JSX.Element {
  const t = useText();
  return <div className="small faint" style={{ padding: "12px 20px", borderTop: "1px solid var(--line)" }}>{t.brand.tagline}</div>;
}

/** Says whether what is shown is live; quiet while it is. */
function LiveSign(): JSX.Element {
  const t = useText();
  const state = useLiveState();
  return (
    <span className="mark small quiet" role="status" data-live={state}>
      <i className={`dot ${state === "open" ? "ok" : state === "lost" ? "off" : "never"}`} />
      {t.live[state]}
    </span>
  );
}
