import { Button, Modal } from "antd";
import { type JSX, useState } from "react";

import type { Explanation, Permission, Reach } from "../api/model";
import { useList, useResource, useRights } from "../api/queries";
import { usePreferences } from "../app/preferences";
import { HistorySection } from "../audit/History";
import { useFormat, useText } from "../i18n";
import { Empty, Loaded } from "../parts/Page";

interface Someone { id: string; name: string }

/** What somebody may do and where; and for each of it, why. */
export function AccessBox({ person, close }: { person: Someone; close: () => void }): JSX.Element {
  const t = useText();
  const { language } = usePreferences();
  const reach = useList<Reach>("/access/reach", { person_id: person.id });
  const permissions = useList<Permission>("/permissions");
  const names = new Map((useRights().data?.organisations ?? []).map((one) => [one.id, one.name]));
  const [asked, setAsked] = useState<{ permission: string; on: string } | null>(null);
  const text = (name: string): string => {
    const found = permissions.data?.find((one) => one.name === name);
    return found ? (language === "zh" ? found.text_zh : found.text) : name;
  };
  return (
    <Modal open onCancel={close} footer={null} title={`${person.name} · ${t.organisations.access}`} width={640}>
      <p className="quiet">{t.organisations.accessText}</p>
      <Loaded query={reach}>
        {(found) => found.length === 0 ? <Empty title={t.organisations.nothing} /> : (
          <div className="stack tight">
            {found.map((one) => (
              <div key={one.permission} style={{ borderBottom: "1px solid var(--line)", paddingBottom: 6 }}>
                <div className="row spread wrap"><span>{text(one.permission)}</span><code className="small quiet">{one.permission}</code></div>
                <div className="row wrap">
                  {one.organisation_ids.map((id) => (
                    <Button key={id} size="small" type={asked?.permission === one.permission && asked.on === id ? "primary" : "default"} onClick={() => { setAsked({ permission: one.permission, on: id }); }}>
                      {names.get(id) ?? id}
                    </Button>
                  ))}
                </div>
                {asked?.permission === one.permission && <Why person={person} permission={asked.permission} on={asked.on} />}
              </div>
            ))}
          </div>
        )}
      </Loaded>
      <HistorySection kind="person" id={person.id} />
    </Modal>
  );
}

function Why({ person, permission, on }: { person: Someone; permission: string; on: string }): JSX.Element {
  const t = useText();
  const f = useFormat();
  const why = useResource<Explanation>("/access/why", { person_id: person.id, permission, organisation_on: on });
  const role = (name: string): string => (t.people.roleNames as Record<string, string>)[name] ?? name;
  return (
    <Loaded query={why} rows={1}>
      {(found) => (
        <div className="small" style={{ marginTop: 4 }}>
          {found.reasons.map((one) => (
            <div key={one.grant_id}>
              {t.organisations.why}: <b>{role(one.role_name)}</b> {t.organisations.on(one.organisation_name)}
              {one.group_name !== null && ` ${t.organisations.through(one.group_name)}`}
              {one.until_ms !== null && <span className="quiet"> · {t.organisations.until} {f.time(one.until_ms)}</span>}
            </div>
          ))}
        </div>
      )}
    </Loaded>
  );
}
