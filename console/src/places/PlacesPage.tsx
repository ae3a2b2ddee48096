import { PlusOutlined } from "@ant-design/icons";
import { App, Button, Form, Input, Modal, Select, Tree, type TreeDataNode } from "antd";
import { type JSX, useState } from "react";
import { Link } from "react-router";

import { patch, post, remove } from "../api/client";
import { type Place, PLACE_LEVELS, type PlaceLevel } from "../api/model";
import { useChange, useMay, usePlaces } from "../api/queries";
import { HistorySection } from "../audit/History";
import { type Branch, treeOf } from "../devices/PlaceTree";
import { useText } from "../i18n";
import { Empty, Loaded, Page } from "../parts/Page";

type Editing = { place: Place } | { parent: Place | null };

export default function PlacesPage(): JSX.Element {
  const t = useText();
  const { modal } = App.useApp();
  const engineer = useMay("places:write");
  const places = usePlaces();
  const [editing, setEditing] = useState<Editing | null>(null);
  const drop = useChange((id: string) => remove(`/places/${id}`), ["places", "devices"]);
  const add = engineer && <Button type="primary" icon={<PlusOutlined />} onClick={() => { setEditing({ parent: null }); }}>{t.places.add}</Button>;
  const node = (b: Branch): TreeDataNode => ({
    key: b.place.id, selectable: false, children: b.children.map(node),
    title: (
      <div className="row spread wrap" style={{ padding: "4px 0" }} data-place={b.place.name}>
        <span className="row"><span className="small faint" style={{ minWidth: 56 }}>{t.places.levels[b.place.level]}</span><b>{b.place.name}</b></span>
        <span className="row">
          <Link className="small num" to={`/devices?place=${b.place.id}`}>{t.devices.count(b.devices)}</Link>
          {engineer && <>
            {b.place.level !== "unit" && <Button size="small" type="text" icon={<PlusOutlined />} aria-label={t.places.addChild} title={t.places.addChild} onClick={() => { setEditing({ parent: b.place }); }} />}
            <Button size="small" type="text" onClick={() => { setEditing({ place: b.place }); }}>{t.common.edit}</Button>
            <Button size="small" type="text" danger onClick={() => { void modal.confirm({ title: t.places.deleteConfirm, content: b.devices ? t.places.hasDevices : b.place.path, okText: t.common.delete, cancelText: t.common.cancel, okButtonProps: { danger: true, disabled: b.devices > 0 }, onOk: () => drop.mutateAsync(b.place.id).catch(() => undefined) }); }}>{t.common.delete}</Button>
          </>}
        </span>
      </div>
    ),
  });
  return (
    <Page title={t.places.title} actions={add} text="ISA-95 / IEC 62264">
      <Loaded query={places}>
        {(list) => <div className="panel panel-body">{list.length ? <Tree blockNode defaultExpandAll showLine treeData={treeOf(list).map(node)} /> : <Empty title={t.places.empty} text={t.places.emptyText}>{add}</Empty>}</div>}
      </Loaded>
      {editing && <PlaceBox editing={editing} places={places.data ?? []} close={() => { setEditing(null); }} />}
    </Page>
  );
}

/** The levels that fit below a parent. */
export const levelsBelow = (parent: PlaceLevel | null): PlaceLevel[] => PLACE_LEVELS.slice(parent === null ? 0 : PLACE_LEVELS.indexOf(parent) + 1);

function PlaceBox({ editing, places, close }: { editing: Editing; places: readonly Place[]; close: () => void }): JSX.Element {
  const t = useText();
  const place = "place" in editing ? editing.place : null;
  const start = place ? places.find((p) => p.id === place.parent_id) ?? null : "parent" in editing ? editing.parent : null;
  const [form] = Form.useForm<{ name: string; level: PlaceLevel; parent_id?: string }>();
  const parentId = Form.useWatch("parent_id", form);
  const parent = places.find((p) => p.id === (parentId ?? start?.id)) ?? null;
  const levels = levelsBelow(parent?.level ?? null);
  const save = useChange((v: { name: string; level: PlaceLevel; parent_id?: string }) => {
    const body = { ...v, parent_id: v.parent_id ?? null };
    return place ? patch(`/places/${place.id}`, body) : post("/places", body);
  }, ["places", "devices"], close);
  return (
    <Modal open onCancel={close} title={place ? t.common.edit : start ? t.places.under(start.name) : t.places.add} okText={t.common.save} cancelText={t.common.cancel} confirmLoading={save.isPending} onOk={() => { form.submit(); }}>
      <Form form={form} layout="vertical" requiredMark={false} onFinish={(v) => { save.mutate(v); }} initialValues={{ name: place?.name ?? "", level: place?.level ?? levelsBelow(start?.level ?? null)[0], ...(start && { parent_id: start.id }) }}>
        <Form.Item name="parent_id" label={t.places.parent}><Select allowClear placeholder={t.places.top} options={places.filter((p) => p.id !== place?.id && p.level !== "unit").map((p) => ({ value: p.id, label: p.path }))} showSearch={{ optionFilterProp: "label" }} /></Form.Item>
        <Form.Item name="level" label={t.places.level} rules={[{ required: true, message: t.common.required }]}><Select options={levels.map((value) => ({ value, label: t.places.levels[value] }))} /></Form.Item>
        <Form.Item name="name" label={t.common.name} rules={[{ required: true, whitespace: true, message: t.common.required }]}><Input maxLength={128} autoFocus /></Form.Item>
      </Form>
      {place && <HistorySection kind="place" id={place.id} />}
    </Modal>
  );
}
