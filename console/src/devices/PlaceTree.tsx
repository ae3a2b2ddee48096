import { Button, Tree, type TreeDataNode } from "antd";
import { type JSX, useMemo } from "react";
import { Link } from "react-router";

import type { Place } from "../api/model";
import { usePlaces } from "../api/queries";
import { useText } from "../i18n";
import { Loaded } from "../parts/Page";

export interface Branch { place: Place; children: Branch[]; devices: number }

/** The flat list of places as a tree; each knows how many devices stand in it and below. */
export function treeOf(places: readonly Place[]): Branch[] {
  const under = new Map<string | null, Place[]>();
  const known = new Set(places.map((p) => p.id));
  for (const place of places) {
    const parent = place.parent_id !== null && known.has(place.parent_id) ? place.parent_id : null;
    under.set(parent, [...(under.get(parent) ?? []), place]);
  }
  const grow = (parent: string | null): Branch[] =>
    (under.get(parent) ?? []).map((place) => {
      const children = grow(place.id);
      return { place, children, devices: place.device_count + children.reduce((n, c) => n + c.devices, 0) };
    });
  return grow(null);
}

export function PlaceTree({ chosen, choose }: { chosen: string | null; choose: (id: string | null) => void }): JSX.Element {
  const t = useText();
  const places = usePlaces();
  const nodes = useMemo(() => {
    const node = (b: Branch): TreeDataNode => ({
      key: b.place.id,
      title: <span className="row spread"><span className="cut" title={`${t.places.levels[b.place.level]} · ${b.place.name}`}>{b.place.name}</span><span className="small faint num">{b.devices || ""}</span></span>,
      children: b.children.map(node),
    });
    return [{ key: "", title: t.devices.allPlaces }, ...treeOf(places.data ?? []).map(node)];
  }, [places.data, t]);
  return (
    <Loaded query={places}>
      {(list) => <>
        <Tree blockNode defaultExpandAll treeData={nodes} selectedKeys={[chosen ?? ""]} onSelect={(keys) => { choose(String(keys[0] ?? "") || null); }} />
        {list.length === 0 && <div className="small quiet" style={{ padding: 8 }}>{t.places.emptyText} <Link to="/places"><Button type="link" size="small" style={{ padding: 0 }}>{t.places.add}</Button></Link></div>}
      </>}
    </Loaded>
  );
}
