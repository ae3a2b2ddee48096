/** Keys that work everywhere outside of inputs: `/` searches, `g` and a letter goes, `?` explains. */
import { SearchOutlined } from "@ant-design/icons";
import { Input, type InputRef, Modal } from "antd";
import { type JSX, useEffect, useRef, useState } from "react";
import { Link, useNavigate } from "react-router";

import type { Device } from "../api/model";
import { useList } from "../api/queries";
import { useText } from "../i18n";
import { PresenceMark } from "../parts/Marks";

const GO: Record<string, string> = { o: "/", d: "/devices", a: "/alarms", r: "/rules", s: "/system" };
const SEQUENCE_MS = 1200;
const bell = new EventTarget();
export const openSearch = (): void => { bell.dispatchEvent(new Event("search")); };
export const openHelp = (): void => { bell.dispatchEvent(new Event("help")); };

const typing = (target: EventTarget | null): boolean =>
  target instanceof HTMLElement && (target.isContentEditable || /^(?:INPUT|TEXTAREA|SELECT)$/.test(target.tagName));

export function Shortcuts(): JSX.Element {
  const t = useText();
  const navigate = useNavigate();
  const [help, setHelp] = useState(false);
  const [search, setSearch] = useState(false);
  const pressedG = useRef(0);
  useEffect(() => {
    const onKey = (event: KeyboardEvent): void => {
      if (event.ctrlKey || event.metaKey || event.altKey || typing(event.target)) return;
      if (event.key === "/") { event.preventDefault(); setSearch(true); }
      else if (event.key === "?") setHelp(true);
      else if (event.key === "g") pressedG.current = Date.now();
      else if (Date.now() - pressedG.current < SEQUENCE_MS && GO[event.key]) { pressedG.current = 0; void navigate(GO[event.key] ?? "/"); }
    };
    const onSearch = (): void => { setSearch(true); };
    const onHelp = (): void => { setHelp(true); };
    document.addEventListener("keydown", onKey);
    bell.addEventListener("search", onSearch);
    bell.addEventListener("help", onHelp);
    return () => {
      document.removeEventListener("keydown", onKey);
      bell.removeEventListener("search", onSearch);
      bell.removeEventListener("help", onHelp);
    };
  }, [navigate]);
  const lines: [string[], string][] = [
    [["/"], t.help.search], [["g", "o"], t.help.overview], [["g", "d"], t.help.devices], [["g", "a"], t.help.alarms], [["g", "r"], t.help.rules], [["g", "s"], t.help.system], [["?"], t.help.help],
  ];
  return (
    <>
      <Modal open={help} onCancel={() => { setHelp(false); }} footer={null} title={t.help.title} width={360}>
        <div className="stack tight">
          {lines.map(([keys, text]) => (
            <div key={text} className="row spread"><span>{text}</span><span className="row">{keys.map((key, i) => <span key={key} className="row">{i > 0 && <span className="faint small">{t.help.then}</span>}<span className="kbd">{key}</span></span>)}</span></div>
          ))}
        </div>
      </Modal>
      <SearchBox open={search} close={() => { setSearch(false); }} />
    </>
  );
}

/** Finds a device from anywhere. */
function SearchBox({ open, close }: { open: boolean; close: () => void }): JSX.Element {
  const t = useText();
  const navigate = useNavigate();
  const input = useRef<InputRef>(null);
  const [text, setText] = useState("");
  const found = useList<Device>("/devices", { q: text.trim(), limit: 8 }, { enabled: open && text.trim() !== "" });
  const items = text.trim() ? (found.data ?? []) : [];
  const go = (id: string): void => { close(); void navigate(`/devices/${id}`); };
  return (
    <Modal open={open} onCancel={close} footer={null} closable={false} width={520} destroyOnHidden afterOpenChange={(shown) => { if (shown) input.current?.focus(); else setText(""); }} style={{ top: 72 }}>
      <Input ref={input} size="large" aria-label={t.devices.searchHint} prefix={<SearchOutlined />} placeholder={t.devices.searchHint} value={text} onChange={(event) => { setText(event.target.value); }} onPressEnter={() => { if (items[0]) go(items[0].id); }} />
      <div className="cards" style={{ marginTop: items.length ? 12 : 0 }}>
        {items.map((device) => (
          <Link key={device.id} className="card row spread" style={{ display: "flex" }} to={`/devices/${device.id}`} onClick={close}>
            <span className="cut"><b>{device.title ?? device.name}</b> <span className="quiet">{device.place_path}</span></span><PresenceMark presence={device.presence} disabled={device.disabled} />
          </Link>
        ))}
        {text.trim() && found.data?.length === 0 && <div className="quiet" style={{ padding: 12 }}>{t.devices.noMatch}</div>}
      </div>
    </Modal>
  );
}
