import { App, Button } from "antd";
import type { JSX } from "react";

import { post, remove } from "../../api/client";
import type { Identity, Ways } from "../../api/model";
import { useChange, useList, useResource } from "../../api/queries";
import { useFormat, useText } from "../../i18n";
import { Loaded, Panel } from "../../parts/Page";

/** Accounts at identity providers that open this person's session; nothing where no provider is set up. */
export function IdentitiesPanel(): JSX.Element | null {
  const t = useText();
  const f = useFormat();
  const { modal } = App.useApp();
  const ways = useResource<Ways>("/session/ways");
  const identities = useList<Identity>("/account/identities");
  const link = useChange((provider: string) => post<{ url: string }>("/account/identities", { provider, path: "/account/security" }), [], ({ url }) => { window.location.assign(url); });
  const drop = useChange((id: string) => remove(`/account/identities/${id}`), ["account"]);
  const titles = new Map(ways.data?.providers.map((each) => [each.name, each.title]));
  if (!titles.size && !identities.data?.length) return null;
  const sure = (id: string): void => {
    void modal.confirm({ title: t.security.unlinkConfirm, okText: t.security.unlink, cancelText: t.common.cancel, okButtonProps: { danger: true }, onOk: () => drop.mutateAsync(id).catch(() => undefined) });
  };
  return (
    <Panel title={t.security.identities}>
      <p className="quiet" style={{ marginBottom: 12 }}>{t.security.identitiesText}</p>
      <Loaded query={identities} rows={1}>{(list) => (
        <div className="stack">
          {list.map((each) => (
            <div key={each.id} className="row wrap" data-testid="identity">
              <div className="grow"><b>{each.label}</b> <span className="quiet">{titles.get(each.provider) ?? each.provider}</span><div className="quiet small">{t.security.lastUsed} {each.last_used_ms ? f.time(each.last_used_ms) : t.common.never}</div></div>
              <Button size="small" danger onClick={() => { sure(each.id); }}>{t.security.unlink}</Button>
            </div>
          ))}
          {!list.length && <p className="quiet">{t.security.noIdentities}</p>}
          <div className="row wrap">{[...titles].map(([name, title]) => <Button key={name} loading={link.isPending} onClick={() => { link.mutate(name); }}>{t.security.link(title)}</Button>)}</div>
        </div>
      )}</Loaded>
    </Panel>
  );
}
