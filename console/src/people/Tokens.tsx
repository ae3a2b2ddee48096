import { Alert, App, Button, DatePicker, Form, Input, Modal, Select, type TableColumnsType, Tag } from "antd";
import dayjs, { type Dayjs } from "dayjs";
import { type JSX, useState } from "react";

import { post, remove } from "../api/client";
import { type Person, type Role, ROLES, type Token } from "../api/model";
import { useChange, useList, useSession } from "../api/queries";
import { useFormat, useText } from "../i18n";
import { Snippet } from "../parts/Copy";
import { Listing } from "../parts/Listing";
import { useNow } from "../parts/now";
import { Empty, Loaded, Panel } from "../parts/Page";

type Expiry = "30" | "90" | "365" | "date" | "never";
interface Fields { name: string; roles: Role[]; expiry: Expiry; date?: Dayjs }

const DAY_MS = 86_400_000;

/** When a token made now ends, in UTC milliseconds: a chosen date counts to its last second here. */
const expiresMs = ({ expiry, date }: Fields): number | null =>
  expiry === "never" ? null : expiry === "date" ? date?.endOf("day").valueOf() ?? null : Date.now() + Number(expiry) * DAY_MS;

/** One's API tokens, and for an administrator below them everybody else's. */
export function Tokens({ person }: { person: Pick<Person, "id" | "roles"> }): JSX.Element {
  const t = useText();
  const [adding, setAdding] = useState(false);
  const [made, setMade] = useState<Token | null>(null);
  const tokens = useList<Token>("/tokens");
  const others = tokens.data?.filter((k) => k.person_id !== person.id) ?? [];
  return (
    <>
      <Panel title={t.people.tokens} extra={<Button size="small" type="primary" onClick={() => { setAdding(true); }}>{t.people.newToken}</Button>} flush>
        <p className="quiet panel-text">{t.people.tokensText}</p>
        <Loaded query={tokens}>{(list) => {
          const mine = list.filter((k) => k.person_id === person.id);
          return mine.length ? <TokenList tokens={mine} /> : <Empty title={t.people.noTokens} text={t.people.noTokensText} />;
        }}</Loaded>
      </Panel>
      {others.length > 0 && <Panel title={t.people.othersTokens} flush><TokenList tokens={others} named /></Panel>}
      {adding && <TokenBox roles={person.roles} close={() => { setAdding(false); }} done={(token) => { setAdding(false); setMade(token); }} />}
      {/* Not only hidden afterwards: the secret must not stay in the page. */}
      {made?.token && (
        <Modal open closable={false} keyboard={false} title={made.name} footer={<Button type="primary" onClick={() => { setMade(null); }}>{t.people.tokenKept}</Button>} mask={{ closable: false }}>
          <div className="stack"><Alert type="warning" showIcon title={t.people.tokenOnce} /><Snippet text={made.token} /></div>
        </Modal>
      )}
    </>
  );
}

function TokenList({ tokens, named = false }: { tokens: readonly Token[]; named?: boolean }): JSX.Element {
  const t = useText();
  const f = useFormat();
  const now = useNow(30_000);
  const { modal } = App.useApp();
  const people = useList<Person>("/people", {}, { enabled: named });
  const session = useSession();
  const drop = useChange((id: string) => remove(`/tokens/${id}`), ["tokens"]);
  const owner = (k: Token): string => people.data?.find((p) => p.id === k.person_id)?.name ?? (k.person_id === session.data?.person.id ? session.data.person.name : "–");
  const ends = (k: Token): JSX.Element => k.expires_ms === null ? <span className="quiet">{t.people.neverEnds}</span> : k.expires_ms <= now ? <Tag style={{ margin: 0 }}>{t.people.expired}</Tag> : <span className="num quiet">{f.date(k.expires_ms)}</span>;
  const revoke = (k: Token): JSX.Element => <Button size="small" danger onClick={() => { void modal.confirm({ title: t.people.revokeConfirm, content: k.name, okText: t.people.revoke, cancelText: t.common.cancel, okButtonProps: { danger: true }, onOk: () => drop.mutateAsync(k.id).catch(() => undefined) }); }}>{t.people.revoke}</Button>;
  const roles = (k: Token): string => k.roles.map((r) => t.people.roleNames[r]).join(", ");
  const columns: TableColumnsType<Token> = [
    { key: "name", title: t.common.name, render: (_, k) => <><b>{k.name}</b> <span className="mono small quiet">{k.hint}</span></> },
    ...(named ? [{ key: "owner", title: t.people.owner, render: (_: unknown, k: Token) => owner(k) }] : []),
    { key: "roles", title: t.people.roles, render: (_, k) => roles(k) },
    { key: "created", title: t.common.created, render: (_, k) => <span className="num quiet">{f.time(k.created_ms)}</span> },
    { key: "used", title: t.people.lastUsed, render: (_, k) => <span className="num quiet">{k.last_used_ms ? f.time(k.last_used_ms) : t.common.never}</span> },
    { key: "ends", title: t.people.expires, render: (_, k) => ends(k) },
    { key: "act", width: 96, render: (_, k) => revoke(k) },
  ];
  return <Listing items={tokens} columns={columns} rowKey={(k) => k.id} inside card={(k) => <div className="inset row spread"><div className="grow"><b>{k.name}</b> <span className="mono small quiet">{k.hint}</span><div className="small quiet">{[named && owner(k), roles(k)].filter(Boolean).join(" · ")} · {t.people.expires} {ends(k)}</div></div>{revoke(k)}</div>} />;
}

function TokenBox({ roles, close, done }: { roles: readonly Role[]; close: () => void; done: (token: Token) => void }): JSX.Element {
  const t = useText();
  const [form] = Form.useForm<Fields>();
  const expiry = Form.useWatch("expiry", form);
  const add = useChange((v: Fields) => post<Token>("/tokens", { name: v.name, roles: v.roles, expires_ms: expiresMs(v) }), ["tokens"], done);
  const allowed = roles.includes("administrator") ? ROLES : ROLES.filter((role) => roles.includes(role));
  const least = allowed.includes("viewer") ? ["viewer"] : allowed.slice(-1);
  const choices: Expiry[] = ["30", "90", "365", "date", "never"];
  return (
    <Modal open onCancel={close} title={t.people.newToken} okText={t.common.create} cancelText={t.common.cancel} confirmLoading={add.isPending} onOk={() => { form.submit(); }}>
      <Form<Fields> form={form} layout="vertical" requiredMark={false} initialValues={{ roles: least, expiry: "90" }} onFinish={(v) => { add.mutate(v); }}>
        <Form.Item name="name" label={t.common.name} extra={t.people.tokenNameHint} rules={[{ required: true, whitespace: true, message: t.common.required }]}><Input maxLength={64} autoFocus /></Form.Item>
        <Form.Item name="roles" label={t.people.roles} extra={t.people.tokenRolesHint} rules={[{ required: true, message: t.common.required }]}><Select mode="multiple" options={allowed.map((value) => ({ value, label: `${t.people.roleNames[value]} · ${t.people.roleHints[value]}` }))} /></Form.Item>
        <Form.Item name="expiry" label={t.people.expires}><Select options={choices.map((value) => ({ value, label: value === "date" ? t.people.onDate : value === "never" ? t.people.neverEnds : t.people.inDays(Number(value)) }))} /></Form.Item>
        {expiry === "date" && <Form.Item name="date" rules={[{ required: true, message: t.common.required }]}><DatePicker style={{ width: "100%" }} disabledDate={(day) => day.isBefore(dayjs(), "day")} /></Form.Item>}
      </Form>
    </Modal>
  );
}
