import { Form, InputNumber, Modal, Radio } from "antd";
import type { JSX } from "react";

import { post } from "../../api/client";
import type { Drill, DrillKind } from "../../api/identifiers";
import { useChange } from "../../api/queries";
import { useText } from "../../i18n";
import { KINDS } from "./DrillsPage";

interface Wanted { kind: DrillKind; rto_s: number; rpo_records: number }

/** What to rehearse, and with which aims. */
export function RehearseBox({ close, begun }: { close: () => void; begun: (drill: Drill) => void }): JSX.Element {
  const t = useText();
  const [form] = Form.useForm<Wanted>();
  const kind = Form.useWatch("kind", form) ?? "failover";
  const start = useChange((wanted: Wanted) => post<Drill>("/identifiers/drills", wanted), ["identifiers/drills"], (drill) => { begun(drill); }, close);
  const needed = [{ required: true, message: t.common.required }];
  return (
    <Modal open title={t.drills.start} onCancel={close} okText={t.drills.begin} confirmLoading={start.isPending} onOk={() => { form.submit(); }}>
      <Form form={form} layout="vertical" initialValues={{ kind: "failover", rto_s: 60, rpo_records: 1000 }} onFinish={(wanted) => { start.mutate(wanted); }}>
        <Form.Item name="kind" label={t.drills.which} rules={needed} extra={t.drills.about[kind]}>
          <Radio.Group optionType="button" options={KINDS.map((each) => ({ value: each, label: t.drills.kinds[each] }))} />
        </Form.Item>
        <Form.Item name="rto_s" label={t.drills.rtoAim} rules={needed}><InputNumber min={0.1} max={86_400} style={{ width: 160 }} /></Form.Item>
        <Form.Item name="rpo_records" label={t.drills.rpoAim} rules={needed}><InputNumber min={0} precision={0} style={{ width: 160 }} /></Form.Item>
      </Form>
    </Modal>
  );
}
