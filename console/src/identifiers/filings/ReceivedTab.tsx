import { DownloadOutlined } from "@ant-design/icons";
import { App, Button, Checkbox, Drawer, Form, Input, Modal, Select, type TableColumnsType } from "antd";
import { type JSX, useState } from "react";

import { post } from "../../api/client";
import { RECEIVED_STATES, type ReceivedDetail, type ReceivedFiling } from "../../api/filings";
import { useChange, usePages, useResource } from "../../api/queries";
import { fileOf } from "../../codes/use";
import { useFormat, useText } from "../../i18n";
import { save } from "../../parts/files";
import { SearchField, useFilters } from "../../parts/filters";
import { Listing } from "../../parts/Listing";
import { Empty, Loaded } from "../../parts/Page";
import { useComplain } from "../../parts/Problem";
import { usePhone } from "../../parts/screen";
import { Timeline } from "../prefixes/Timeline";
import { Chain, FilingTag, ProblemLine } from "./Chain";

type Step = "review" | "accept" | "refuse";

/** The register of filings: what nodes below filed. */
export function ReceivedTab(): JSX.Element {
  const t = useText();
  const f = useFormat();
  const complain = useComplain();
  const [parameters, set] = useFilters();
  const [open, setOpen] = useState<string | null>(null);
  const state = parameters.get("state");
  const text = parameters.get("q") ?? "";
  const current = parameters.get("current") === "true" ? true : null;
  const wanted = { state, q: text, current };
  const filings = usePages<ReceivedFiling>("/filings/received", { ...wanted, limit: 50 }, { everyMs: 5000 });
  const show = (one: ReceivedFiling): void => { setOpen(one.id); };
  const take = (): void => { fileOf("/filings/received/export", wanted).then((file) => { save("filings.csv", file); }, complain); };
  const columns: TableColumnsType<ReceivedFiling> = [
    { key: "prefix", title: t.filings.prefix, render: (_, one) => <button type="button" className="plain mono" style={{ fontWeight: 600 }} onClick={() => { show(one); }}>{one.prefix}</button> },
    { key: "holder", title: t.filings.holder, render: (_, one) => one.holder || "–" },
    { key: "event", title: t.filings.event, render: (_, one) => <span>{t.filings.events[one.event]} <span className="quiet">· {t.filings.prefixStates[one.prefix_state]}</span></span> },
    { key: "state", title: t.filings.state, render: (_, one) => <FilingTag state={one.state} /> },
    { key: "number", title: t.filings.number, render: (_, one) => <span className="mono">{one.number || "–"}</span> },
    { key: "by", title: t.filings.by, render: (_, one) => <span className="quiet">{one.filer_name}</span> },
    { key: "received", title: t.filings.received, render: (_, one) => <span className="num quiet">{f.time(one.received_ms)}</span> },
  ];
  const filtered = state !== null || text !== "" || current;
  return (
    <>
      <div className="row wrap filters" style={{ marginBottom: 12 }}>
        <SearchField value={text} hint={t.filings.searchReceived} search={(q) => { set({ q }); }} />
        <Select allowClear placeholder={t.filings.anyState} aria-label={t.filings.state} value={state} onChange={(next) => { set({ state: next }); }} virtual={false} style={{ minWidth: 136 }} options={RECEIVED_STATES.map((value) => ({ value, label: t.filings.states[value] }))} />
        <Checkbox checked={current === true} onChange={(event) => { set({ current: event.target.checked ? "true" : null }); }}>{t.filings.currentOnly}</Checkbox>
        <Button icon={<DownloadOutlined />} onClick={take}>{t.filings.export} CSV</Button>
      </div>
      <Loaded query={filings}>
        {({ items }) => items.length === 0 ? <div className="panel">{filtered ? <Empty title={t.filings.noMatch} /> : <Empty title={t.filings.noReceived} text={t.filings.noReceivedText} />}</div> : (
          <Listing
            items={items} columns={columns} rowKey={(one) => one.id} onOpen={show}
            card={(one) => (
              <button type="button" className="card" onClick={() => { show(one); }}>
                <span className="row spread"><b className="mono cut">{one.prefix}</b><FilingTag state={one.state} /></span>
                <span className="small quiet" style={{ display: "block" }}>{one.holder} · {t.filings.events[one.event]} · {f.time(one.received_ms)}</span>
                {one.number && <span className="mono small" style={{ display: "block" }}>{one.number}</span>}
              </button>
            )}
            more={filings.hasNextPage ? () => void filings.fetchNextPage() : null} loadingMore={filings.isFetchingNextPage}
          />
        )}
      </Loaded>
      {open && <ReceivedDrawer id={open} close={() => { setOpen(null); }} />}
    </>
  );
}

function ReceivedDrawer({ id, close }: { id: string; close: () => void }): JSX.Element {
  const t = useText();
  const filing = useResource<ReceivedDetail>(`/filings/received/${id}`, {}, { everyMs: 5000 });
  const [step, setStep] = useState<Step | null>(null);
  const allowed = filing.data?.allowed ?? [];
  const steps = (["review", "refuse", "accept"] as const).filter((one) => allowed.includes(one));
  return (
    <Drawer
      open onClose={close} size={usePhone() ? "100%" : 620} title={filing.data && <span className="row wrap"><span className="mono">{filing.data.prefix}</span><FilingTag state={filing.data.state} /></span>}
      footer={steps.length > 0 && <div className="row wrap" style={{ justifyContent: "flex-end" }}>{steps.map((one) => <Button key={one} type={one === "accept" ? "primary" : "default"} danger={one === "refuse"} onClick={() => { setStep(one); }}>{t.filings[one]}</Button>)}</div>}
    >
      <Loaded query={filing} rows={8}>{(one) => <Facts filing={one} />}</Loaded>
      {step && <StepBox id={id} step={step} close={() => { setStep(null); }} />}
    </Drawer>
  );
}

function Facts({ filing }: { filing: ReceivedDetail }): JSX.Element {
  const t = useText();
  const f = useFormat();
  const said = filing.filing;
  return (
    <div className="stack">
      <dl className="facts">
        {filing.number && <><dt>{t.filings.number}</dt><dd className="mono">{filing.number}</dd></>}
        {filing.reason && <><dt>{t.filings.reason}</dt><dd>{filing.reason}</dd></>}
        <dt>{t.filings.event}</dt><dd>{t.filings.events[filing.event]} · {t.filings.prefixStates[filing.prefix_state]}</dd>
        <dt>{t.filings.holder}</dt><dd>{filing.holder || "–"}</dd>
        <dt>{t.filings.creditCode}</dt><dd className="mono">{said.credit_code || "–"}</dd>
        <dt>{t.filings.contact}</dt><dd>{[said.contact?.name, said.contact?.telephone, said.contact?.email].filter(Boolean).join(" · ") || "–"}</dd>
        <dt>{t.filings.industry}</dt><dd>{said.industry || "–"}</dd>
        <dt>{t.filings.use}</dt><dd style={{ whiteSpace: "pre-wrap" }}>{said.use || "–"}</dd>
        {said.granted_ms && <><dt>{t.filings.granted}</dt><dd className="num">{f.date(said.granted_ms)}</dd></>}
        <dt>{t.filings.until}</dt><dd className="num">{said.until_ms ? f.date(said.until_ms) : t.filings.noEnd}</dd>
        <dt>{t.filings.certified}</dt><dd>{[said.certified_by, said.certification_number].filter(Boolean).join(" · ") || "–"}</dd>
        {(said.documents ?? []).length > 0 && <><dt>{t.filings.documents}</dt><dd>{(said.documents ?? []).map((one) => <div key={one.digest}>{one.name} <span className="mono small quiet">{one.digest.slice(0, 12)}…</span></div>)}</dd></>}
        <dt>{t.filings.by}</dt><dd>{filing.filer_name}</dd>
        <dt>{t.filings.received}</dt><dd className="num">{f.time(filing.received_ms)}</dd>
      </dl>
      <h3 style={{ fontSize: 14 }}>{t.filings.chain}</h3>
      <Chain steps={filing.chain} path={`/filings/received/${filing.id}`} name={`filing-${filing.prefix}`} />
      {filing.onward.length > 0 && <><h3 style={{ fontSize: 14 }}>{t.filings.onward}</h3><div className="stack tight">{filing.onward.map((one) => <div key={one.id} className="row wrap"><b>{one.upper_name}</b><FilingTag state={one.state} /><span className="mono small">{one.number}</span>{one.problem && <ProblemLine problem={one.problem} />}</div>)}</div></>}
      <h3 style={{ fontSize: 14 }}>{t.filings.course}</h3>
      <Timeline steps={filing.history} names={t.filings.steps} />
    </div>
  );
}

function StepBox({ id, step, close }: { id: string; step: Step; close: () => void }): JSX.Element {
  const t = useText();
  const { message } = App.useApp();
  const [comment, setComment] = useState("");
  const take = useChange(() => post(`/filings/received/${id}/${step}`, { comment: comment.trim() }), ["filings"], () => { void message.success(t.filings.done[step]); close(); });
  const refusing = step === "refuse";
  return (
    <Modal open onCancel={close} title={t.filings[step]} okText={t.filings[step]} cancelText={t.common.cancel} confirmLoading={take.isPending} okButtonProps={{ danger: refusing, disabled: refusing && comment.trim() === "", ...{ "data-testid": "take-step" } }} onOk={() => { take.mutate(undefined); }}>
      <Form layout="vertical">
        {step !== "review" && <p style={{ marginBlockEnd: 12 }}>{refusing ? t.filings.refuseText : t.filings.acceptText}</p>}
        <Form.Item label={refusing ? t.filings.whyHint : t.filings.comment} htmlFor="filing-comment"><Input.TextArea id="filing-comment" rows={3} maxLength={1000} value={comment} onChange={(event) => { setComment(event.target.value); }} /></Form.Item>
      </Form>
    </Modal>
  );
}
