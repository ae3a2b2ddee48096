import { Alert, Button, Drawer, Select, Tag } from "antd";
import { type JSX, useState } from "react";

import { put } from "../api/client";
import type { ApprovalAction, ApprovalPolicy } from "../api/model";
import { useChange, useList, useMay, useResource, useRights } from "../api/queries";
import { useFormat, useText } from "../i18n";
import { Loaded } from "../parts/Page";
import { usePhone } from "../parts/screen";
import { useActionName } from "./words";

/** The policy of one organisation, chosen among those that are seen. */
export function PolicyDrawer({ close }: { close: () => void }): JSX.Element {
  const t = useText();
  const phone = usePhone();
  const organisations = useRights().data?.organisations ?? [];
  const [chosen, setChosen] = useState<string | null>(null);
  const id = chosen ?? organisations[0]?.id;
  return (
    <Drawer open onClose={close} size={phone ? "100%" : 560} title={t.approvals.policy}>
      <div className="stack">
        {organisations.length > 1 && <Select aria-label={t.approvals.organisation} value={id} onChange={setChosen} options={organisations.map((one) => ({ value: one.id, label: `${"\u2003".repeat(one.depth)}${one.name}` }))} />}
        {id && <PolicyPanel key={id} organisationId={id} />}
      </div>
    </Drawer>
  );
}

/** Which operations take a second person on an organisation and below it. */
export function PolicyPanel({ organisationId }: { organisationId: string }): JSX.Element {
  const path = `/organisations/${organisationId}/approval-policy`;
  const policy = useResource<ApprovalPolicy>(path);
  return <Loaded query={policy}>{(one) => <Editor key={one.actions.join()} policy={one} path={path} />}</Loaded>;
}

function Editor({ policy, path }: { policy: ApprovalPolicy; path: string }): JSX.Element {
  const t = useText();
  const f = useFormat();
  const name = useActionName();
  const may = useMay("approvals:policy");
  const known = useList<ApprovalAction>("/approvals/actions");
  const [actions, setActions] = useState<string[]>(policy.actions);
  const reset = (): void => { setActions(policy.actions); };
  const save = useChange(() => put<ApprovalPolicy>(path, { actions }), ["organisations", "approvals"], () => undefined, reset);
  const same = actions.length === policy.actions.length && actions.every((one) => policy.actions.includes(one));
  return (
    <div className="stack">
      <p className="quiet">{t.approvals.policyText}</p>
      {policy.inherited.length > 0 && (
        <section className="stack tight">
          <h3 style={{ fontSize: 14 }}>{t.approvals.inherited}</h3>
          <div>{policy.inherited.map((one) => <Tag key={one} title={one}>{name(one)}</Tag>)}</div>
          <p className="small faint">{t.approvals.inheritedText}</p>
        </section>
      )}
      <section className="stack tight">
        <h3 style={{ fontSize: 14 }}>{t.approvals.own}</h3>
        {may
          ? <Select
              mode="multiple" style={{ width: "100%" }} aria-label={t.approvals.own} placeholder={t.approvals.ownHint} value={actions} onChange={setActions} showSearch={{ optionFilterProp: "label" }}
              options={(known.data ?? []).map((one) => ({ value: one.name, label: `${name(one.name)} · ${one.name}` }))}
            />
          : <div>{policy.actions.length ? policy.actions.map((one) => <Tag key={one} title={one}>{name(one)}</Tag>) : <span className="quiet">{t.approvals.none}</span>}</div>}
        <p className="small faint">{t.approvals.looser}</p>
      </section>
      {policy.deciders < 2 ? <Alert type="warning" showIcon title={t.approvals.tooFew} /> : <p className="small quiet">{t.approvals.deciders(policy.deciders)}</p>}
      {policy.changed_ms !== null && <p className="small faint">{t.approvals.lastChange(policy.changed_by ?? "", f.time(policy.changed_ms))}</p>}
      {may && <div><Button type="primary" disabled={same} loading={save.isPending} onClick={() => { save.mutate(undefined); }}>{t.common.save}</Button></div>}
    </div>
  );
}
