import { Select } from "antd";
import { type JSX, useState } from "react";

import { chooseOrganisation, chosenOrganisation } from "../api/client";
import { live } from "../api/live";
import { queryClient, useRights } from "../api/queries";
import { useText } from "../i18n";

/** Chooses whose things are shown; there is none where a person sees one organisation only. */
export function OrganisationSwitch(): JSX.Element | null {
  const t = useText();
  const rights = useRights();
  const [chosen, setChosen] = useState(chosenOrganisation());
  const seen = rights.data?.organisations ?? [];
  if (seen.length < 2) return null;
  const choose = (id: string): void => {
    chooseOrganisation(id || null);
    setChosen(id || null);
    void queryClient.resetQueries();
    live.enable(true);
  };
  return (
    <Select
      value={chosen !== null && seen.some((one) => one.id === chosen) ? chosen : ""} onChange={choose} variant="borderless" showSearch={{ optionFilterProp: "search" }}
      aria-label={t.organisations.choose} popupMatchSelectWidth={false} style={{ minWidth: 96, maxWidth: 220 }} data-testid="organisation"
      options={[
        { value: "", label: t.organisations.all, search: t.organisations.all },
        ...seen.map((one) => ({ value: one.id, search: one.name, label: <span style={{ paddingInlineStart: one.depth * 12 }}>{one.name}</span> })),
      ]}
    />
  );
}
