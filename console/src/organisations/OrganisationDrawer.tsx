import { App, Button, Drawer, Tabs, Tag } from "antd";
import { type JSX, useState } from "react";

import { get, patch, remove } from "../api/client";
import type { Member, Organisation } from "../api/model";
import { useChange, useList, useMay, useRights } from "../api/queries";
import { useFormat, useText } from "../i18n";
import { Empty, Loaded } from "../parts/Page";
import { PolicyPanel } from "../approvals/PolicyPanel";
import { HistorySection } from "../audit/History";
import { AccessBox } from "./AccessBox";
import { ConsentList } from "./ConsentList";
import { GrantList } from "./GrantList";
import { InvitationList } from "./InvitationList";

/** One organisation: who belongs to it, who holds what on it, who is invited, and what it consented to. */
export function OrganisationDrawer({ organisation, edit, close }: { organisation: Organisation; edit: () => void; close: () => void }): JSX.Element {
  const t = useText();
  const { modal } = App.useApp();
  const manages = useMay("organisations:manage");
  const approves = useMay("approvals:read");
  const inside = organisation.members !== null;
  const seen = new Set((useRights().data?.organisations ?? []).map((one) => one.id));
  const below = organisation.above.some((one) => seen.has(one.id)); // those above decide whether it works
  const suspend = useChange(() => patch(`/organisations/${organisation.id}`, { suspended: !organisation.suspended }), ["organisations", "session"]);
  const drop = useChange(async () => {
    const now = await get<Organisation>(`/organisations/${organisation.id}`);
    return remove(`/organisations/${organisation.id}`, `"${now.revision}"`);
  }, ["organisations", "session"], close);
  const ask = (title: string, text: string, run: () => Promise<unknown>): void => {
    void modal.confirm({ title, content: text, okText: title, cancelText: t.common.cancel, okButtonProps: { danger: true }, onOk: () => run().catch(() => undefined) });
  };
  const tabs = [
    ...(inside ? [{ key: "members", label: t.organisations.members, children: <Members organisation={organisation} /> }, { key: "grants", label: t.organisations.grants, children: <GrantList organisation={organisation} /> }] : []),
    { key: "invitations", label: t.organisations.invitations, children: <InvitationList organisation={organisation} /> },
    ...(inside && approves ? [{ key: "approvals", label: t.approvals.policy, children: <PolicyPanel organisationId={organisation.id} /> }] : []),
    ...(inside && organisation.kind === "enterprise" && organisation.above.length > 0 ? [{ key: "consents", label: t.organisations.consents, children: <ConsentList organisation={organisation} /> }] : []),
  ];
  return (
    <Drawer
      open onClose={close} size={640} title={<>{organisation.name}{organisation.suspended && <Tag color="warning" style={{ marginInlineStart: 8 }}>{t.organisations.suspended}</Tag>}</>}
      extra={manages && (
        <span className="row wrap">
          <Button size="small" onClick={edit}>{t.common.edit}</Button>
          {below && (organisation.suspended
            ? <><Button size="small" loading={suspend.isPending} onClick={() => { suspend.mutate(undefined); }}>{t.organisations.resume}</Button><Button size="small" danger onClick={() => { ask(t.common.delete, t.organisations.deleteText, () => drop.mutateAsync(undefined)); }}>{t.common.delete}</Button></>
            : <Button size="small" danger onClick={() => { ask(t.organisations.suspend, t.organisations.suspendText, () => suspend.mutateAsync(undefined)); }}>{t.organisations.suspend}</Button>)}
        </span>
      )}
    >
      <p className="quiet">{[...organisation.above.map((one) => one.name), organisation.name].join(" / ")} · {t.organisations.kinds[organisation.kind]}{organisation.code && <> · <span className="mono">{organisation.code}</span></>}</p>
      <Tabs items={tabs} />
      <HistorySection kind="organisation" id={organisation.id} />
    </Drawer>
  );
}

function Members({ organisation }: { organisation: Organisation }): JSX.Element {
  const t = useText();
  const f = useFormat();
  const { modal } = App.useApp();
  const keeps = useMay("people:manage");
  const members = useList<Member>(`/organisations/${organisation.id}/members`);
  const [looking, setLooking] = useState<Member | null>(null);
  const leave = useChange((one: Member) => remove(`/organisations/${organisation.id}/members/${one.person_id}`), ["organisations", "grants", "people"]);
  const ask = (one: Member): void => {
    void modal.confirm({ title: `${t.organisations.leave}: ${one.name}`, content: t.organisations.leaveText, okText: t.organisations.leave, cancelText: t.common.cancel, okButtonProps: { danger: true }, onOk: () => leave.mutateAsync(one).catch(() => undefined) });
  };
  return (
    <Loaded query={members}>
      {(list) => list.length === 0 ? <Empty title={t.organisations.noMembers} text={t.organisations.firstAdministrator} /> : (
        <div className="stack tight">
          {list.map((one) => (
            <div key={one.person_id} className="row spread wrap">
              <span>{one.name} <span className="small quiet num">{f.time(one.created_ms)}</span></span>
              <span className="row"><Button size="small" onClick={() => { setLooking(one); }}>{t.organisations.access}</Button>{keeps && <Button size="small" onClick={() => { ask(one); }}>{t.organisations.leave}</Button>}</span>
            </div>
          ))}
          {looking && <AccessBox person={{ id: looking.person_id, name: looking.name }} close={() => { setLooking(null); }} />}
        </div>
      )}
    </Loaded>
  );
}
