import { FolderOutlined, FunctionOutlined } from "@ant-design/icons";
import { Alert, Button, Input, Progress, Segmented, Tree } from "antd";
import { type JSX, type Key, useCallback, useEffect, useMemo, useRef, useState } from "react";

import { post } from "../api/client";
import type { ConnectorKind, NewTag, PeerNode, PeerNodePage } from "../api/model";
import { useFormat, useText } from "../i18n";
import { usePreferences } from "../app/preferences";
import { unitSign } from "../i18n/format";
import { useNodeWords } from "../i18n/node";
import { ProblemView } from "../parts/Problem";

/** Which peer is browsed: a connection, or settings that are not kept yet. */
export interface Peer { connection_id?: string; kind?: string; settings?: Record<string, unknown>; edge_id?: string }
type Way = "browse" | "hand";
interface Branch { key: string; node: PeerNode | null; parent: string | null; cursor?: string; children?: Branch[]; isLeaf: boolean; checkable: boolean; title: string }

/** A search of what has no list: how much of it is done, and what should be known of it. */
interface Search { share: number; note: PeerNodePage["note"]; under: boolean }

const toTag = (node: PeerNode): NewTag => ({ address: node.address, name: node.name, type: node.type, unit: node.unit, description: node.description, writable: node.writable });

const moreKey = (parent: string | null, cursor: string): string => `more:${parent ?? ""}:${cursor}`;

/** The tags of addresses written by hand: `address` or `address,property`, one a line. */
export function tagsOf(text: string): NewTag[] {
  return text.split("\n").map((line) => line.trim()).filter(Boolean).map((line) => {
    const at = line.lastIndexOf(",");
    const property = at > 0 ? line.slice(at + 1).trim() : "";
    return property && !/[\]=]/.test(property) ? { address: line.slice(0, at).trim(), property } : { address: line };
  });
}

/** Tags to be chosen: ticked in the tree of a machine that can be browsed, or written by hand. */
export function TagPicker({ kind, peer, choose }: { kind: ConnectorKind; peer: Peer; choose: (tags: NewTag[]) => void }): JSX.Element {
  const t = useText();
  const { language } = usePreferences();
  const browses = kind.capabilities.includes("browse");
  const [way, setWay] = useState<Way>(browses ? "browse" : "hand");
  const [text, setText] = useState("");
  return (
    <div className="stack tight">
      {browses && <Segmented<Way> value={way} onChange={(value) => { setWay(value); choose(value === "hand" ? tagsOf(text) : []); }} options={[{ value: "browse", label: t.connectors.wizard.browse }, { value: "hand", label: t.connectors.wizard.byHand }]} />}
      {way === "browse"
        ? <BrowseTree peer={peer} choose={choose} />
        : <>
            <p className="quiet">{t.connectors.wizard.byHandText} {kind.address_hint[language]}</p>
            <Input.TextArea rows={8} className="mono" value={text} aria-label={t.connectors.wizard.byHand} onChange={(event) => { setText(event.target.value); choose(tagsOf(event.target.value)); }} />
          </>}
    </div>
  );
}

function BrowseTree({ peer, choose }: { peer: Peer; choose: (tags: NewTag[]) => void }): JSX.Element {
  const t = useText();
  const f = useFormat();
  const { language } = usePreferences();
  const words = useNodeWords();
  const [roots, setRoots] = useState<Branch[] | null>(null);
  const [error, setError] = useState<unknown>(null);
  const [checked, setChecked] = useState<string[]>([]);
  const [filter, setFilter] = useState("");
  const known = useMemo(() => new Map<string, PeerNode>(), []);
  const asked = JSON.stringify(peer);
  const [search, setSearch] = useState<Search | null>(null);
  const turn = useRef(0);

  const load = useCallback(async (parent: string | null, cursor?: string): Promise<[Branch[], PeerNodePage]> => {
    const page = await post<PeerNodePage>("/connectors/browse", { ...(JSON.parse(asked) as Peer), parent, cursor: cursor ?? null });
    const found: Branch[] = page.items.map((node) => {
      known.set(node.address, node);
      return { key: node.address, node, parent, isLeaf: !node.has_children, checkable: node.kind === "variable", title: node.name };
    });
    if (page.next !== null) found.push({ key: moreKey(parent, page.next), node: null, parent, cursor: page.next, isLeaf: true, checkable: false, title: "" });
    return [found, page];
  }, [asked, known]);

  const put = useCallback((parent: string | null, children: Branch[], instead?: string): void => {
    const merge = (before: Branch[]): Branch[] => [...before.filter((one) => one.key !== instead), ...children];
    const walk = (list: Branch[]): Branch[] => list.map((one) => (one.key === parent ? { ...one, children: merge(one.children ?? []) } : one.children ? { ...one, children: walk(one.children) } : one));
    setRoots((before) => (parent === null ? merge(before ?? []) : walk(before ?? [])));
  }, []);
  /** Shows a page, and goes on with a search by itself until it is over or stopped. */
  const explore = useCallback(async (parent: string | null, cursor?: string): Promise<void> => {
    const mine = turn.current;
    let at = cursor;
    for (;;) {
      const [children, page] = await load(parent, at);
      if (turn.current !== mine) return;
      put(parent, children, at === undefined ? undefined : moreKey(parent, at));
      const under = page.next !== null && page.share !== null;
      if (page.share !== null || page.note !== null) setSearch({ share: page.share ?? 1, note: page.note, under });
      if (!under) return;
      at = page.next ?? undefined;
    }
  }, [load, put]);
  const stop = (): void => { turn.current += 1; setSearch((before) => before && { ...before, under: false }); };
  const start = useCallback((parent: string | null, cursor?: string): void => {
    explore(parent, cursor).catch(setError);
  }, [explore]);
  const begin = useCallback(() => { setError(null); setRoots(null); start(null); }, [start]);
  useEffect(() => { begin(); return () => { turn.current += 1; }; }, [begin]);

  const open = async (key: string): Promise<void> => {
    try {
      const [children, page] = await load(key);
      put(key, children);
      if (page.share !== null || page.note !== null) setSearch({ share: page.share ?? 1, note: page.note, under: page.next !== null && page.share !== null });
      if (page.next !== null && page.share !== null) start(key, page.next);
    } catch (caught) {
      setError(caught);
    }
  };
  const more = (branch: Branch): void => { start(branch.parent, branch.cursor); };
  const check = (keys: Key[]): void => {
    const chosen = keys.map(String).filter((key) => known.get(key)?.kind === "variable");
    setChecked(chosen);
    choose(chosen.flatMap((key) => { const node = known.get(key); return node ? [toTag(node)] : []; }));
  };
  const wanted = filter.trim().toLowerCase();
  const shown = (list: Branch[]): Branch[] => (wanted ? list.flatMap((one) => {
    const children = shown(one.children ?? []);
    return children.length > 0 || one.node === null || `${one.title} ${one.key}`.toLowerCase().includes(wanted) ? [{ ...one, ...(one.children && { children }) }] : [];
  }) : list);

  if (error !== null) return <ProblemView error={error} retry={begin} />;
  if (roots === null) return <p className="quiet">{t.common.loading}</p>;
  return (
    <>
      <Input allowClear value={filter} placeholder={t.connectors.wizard.filter} aria-label={t.connectors.wizard.filter} onChange={(event) => { setFilter(event.target.value); }} />
      {search && (search.under || search.note) && (
        <div data-search={search.under ? "under" : "over"} className="row wrap" style={{ gap: 8 }}>
          {search.under && <Progress percent={Math.floor(search.share * 100)} size="small" style={{ maxWidth: 220, margin: 0 }} aria-label={t.points.searching("")} />}
          {search.under && <Button size="small" onClick={stop}>{t.points.stop}</Button>}
          {search.note && <span className="small quiet">{search.note[language]}</span>}
        </div>
      )}
      {roots.length === 0 && !search?.under && <Alert type="info" title={t.common.noData} />}
      <div className="panel" style={{ maxHeight: 360, overflow: "auto", padding: 8 }}>
        <Tree<Branch>
          checkable checkStrictly selectable={false} blockNode treeData={shown(roots)} checkedKeys={checked} virtual={false}
          loadData={async (branch) => { if (!branch.children) await open(branch.key); }}
          onCheck={(keys) => { check(Array.isArray(keys) ? keys : keys.checked); }}
          titleRender={(branch) => branch.node === null
            ? <Button type="link" size="small" onClick={() => { more(branch); }}>{t.connectors.wizard.load}</Button>
            : (
              <span className="row wrap" style={{ gap: 8 }} title={branch.node.about?.[language] ?? (branch.node.description || branch.key)}>
                {branch.node.kind === "folder" && <FolderOutlined />}{branch.node.kind === "method" && <FunctionOutlined />}
                <span>{branch.node.title?.[language] ?? branch.node.name}</span>
                {branch.node.value !== null && <span className="small quiet num">{f.value(branch.node.value)} {unitSign(branch.node.unit)}</span>}
                {branch.node.description && branch.node.description !== branch.node.name && <span className="small faint cut" style={{ maxWidth: "100%" }}>{branch.node.about?.[language] ?? words.note(branch.node.description)}</span>}
              </span>
            )}
        />
      </div>
    </>
  );
}
