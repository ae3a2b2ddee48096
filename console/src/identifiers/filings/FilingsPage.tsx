import { Tabs } from "antd";
import type { JSX } from "react";

import { useMay } from "../../api/queries";
import { useText } from "../../i18n";
import { useFilters } from "../../parts/filters";
import { Page } from "../../parts/Page";
import { FilersTab } from "./FilersTab";
import { ReceivedTab } from "./ReceivedTab";
import { SentTab } from "./SentTab";
import { UppersTab } from "./UppersTab";

const TABS = { sent: SentTab, received: ReceivedTab, uppers: UppersTab, filers: FilersTab };
type Tab = keyof typeof TABS;

/** Filings: with nodes above, and of nodes below. */
export default function FilingsPage(): JSX.Element {
  const t = useText();
  const [parameters, set] = useFilters();
  const connects = useMay("filings:connect");
  const shown = (Object.keys(TABS) as Tab[]).filter((one) => one !== "uppers" || connects);
  const tab = shown.find((one) => one === parameters.get("tab")) ?? "sent";
  const Content = TABS[tab];
  return (
    <Page title={t.filings.title} text={t.filings.text}>
      <Tabs activeKey={tab} onChange={(next) => { set({ tab: next === "sent" ? null : next, state: null, q: null, current: null }); }} items={shown.map((key) => ({ key, label: t.filings.tabs[key] }))} />
      <Content />
    </Page>
  );
}
