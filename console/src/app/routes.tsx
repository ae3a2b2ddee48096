/** Addresses of the console. Every page is its own chunk; the shell and the doors come first. */
import { Skeleton } from "antd";
import { type ComponentType, type JSX, lazy, Suspense } from "react";
import { createBrowserRouter, type RouteObject } from "react-router";

import { Crash, NoSuchPage } from "./Crash";
import { Shell } from "./Shell";

const page = (load: () => Promise<{ default: ComponentType }>): JSX.Element => {
  const Component = lazy(load);
  return <Suspense fallback={<Skeleton active paragraph={{ rows: 8 }} />}><Component /></Suspense>;
};

const pages: RouteObject[] = [
  { index: true, element: page(() => import("../overview/OverviewPage")) },
  { path: "devices", element: page(() => import("../devices/DevicesPage")) },
  { path: "readings/imports", element: page(() => import("../history/ReadingImportsPage")) },
  { path: "readings/imports/:id", element: page(() => import("../history/ReadingImportPage")) },
  { path: "readings/exports", element: page(() => import("../history/ReadingExportsPage")) },
  { path: "readings/exports/:id", element: page(() => import("../history/ReadingExportsPage")) },
  { path: "devices/:id", element: page(() => import("../devices/device/DevicePage")) },
  { path: "connectors", element: page(() => import("../connectors/ConnectorsPage")) },
  { path: "vehicles", element: page(() => import("../vehicles/VehiclesPage")) },
  { path: "models", element: page(() => import("../models/ModelsPage")) },
  { path: "models/new", element: page(() => import("../models/ModelPage")) },
  { path: "models/:id", element: page(() => import("../models/ModelPage")) },
  { path: "places", element: page(() => import("../places/PlacesPage")) },
  { path: "edges", element: page(() => import("../edges/EdgesPage")) },
  { path: "edges/:id", element: page(() => import("../edges/EdgesPage")) },
  { path: "networks", element: page(() => import("../networks/NetworksPage")) },
  { path: "networks/:id", element: page(() => import("../networks/NetworkPage")) },
  { path: "location", element: page(() => import("../location/LocationPage")) },
  { path: "alarms", element: page(() => import("../alarms/AlarmsPage")) },
  { path: "approvals", element: page(() => import("../approvals/ApprovalsPage")) },
  { path: "rules", element: page(() => import("../rules/RulesPage")) },
  { path: "dead-letters", element: page(() => import("../deadletters/DeadLettersPage")) },
  { path: "retention", element: page(() => import("../retention/RetentionPage")) },
  { path: "codes", element: page(() => import("../codes/CodesPage")) },
  { path: "identifiers", element: page(() => import("../identifiers/records/RecordsPage")) },
  { path: "identifiers/record", element: page(() => import("../identifiers/records/RecordPage")) },
  { path: "identifiers/register", element: page(() => import("../identifiers/records/RegisterPage")) },
  { path: "identifiers/imports", element: page(() => import("../identifiers/imports/ImportsPage")) },
  { path: "identifiers/imports/:id", element: page(() => import("../identifiers/imports/ImportPage")) },
  { path: "emergency", element: page(() => import("../identifiers/emergency/EmergencyPage")) },
  { path: "identifier-operation", element: page(() => import("../identifiers/operation/OperationPage")) },
  { path: "drills", element: page(() => import("../identifiers/drills/DrillsPage")) },
  { path: "scan", element: page(() => import("../identifiers/scan/ScanPage")) },
  { path: "prefixes", element: page(() => import("../identifiers/prefixes/PrefixesPage")) },
  { path: "prefixes/:id", element: page(() => import("../identifiers/prefixes/PrefixPage")) },
  { path: "filings", element: page(() => import("../identifiers/filings/FilingsPage")) },
  { path: "identifier-templates", element: page(() => import("../identifiers/templates/TemplatesPage")) },
  { path: "identifier-templates/:id", element: page(() => import("../identifiers/templates/TemplatePage")) },
  { path: "usage", element: page(() => import("../usage/UsagePage")) },
  { path: "system", element: page(() => import("../system/SystemPage")) },
  { path: "audit", element: page(() => import("../audit/AuditPage")) },
  { path: "organisations", element: page(() => import("../organisations/OrganisationsPage")) },
  { path: "people", element: page(() => import("../people/PeoplePage")) },
  { path: "account", element: page(() => import("../people/AccountPage")) },
  { path: "account/security", element: page(() => import("../account/security/SecurityPage")) },
  { path: "*", element: <NoSuchPage /> },
];

export const router = createBrowserRouter([
  { path: "/setup", element: page(() => import("../session/SetupPage")), errorElement: <Crash /> },
  { path: "/invitation", element: page(() => import("../organisations/InvitationPage")), errorElement: <Crash /> },
  { path: "/sign-in", element: page(() => import("../session/SignInPage")), errorElement: <Crash /> },
  { path: "/", element: <Shell />, errorElement: <Crash />, children: [{ errorElement: <Crash />, children: pages }] },
]);
