import { App, Input, Modal } from "antd";
import { type JSX, useState } from "react";

import { useChange } from "../api/queries";
import { useText } from "../i18n";

/** Asks for an optional comment, then acknowledges. */
export function AcknowledgeBox({ ids, close, done, send }: { ids: string[] | null; close: () => void; done: () => void; send: (ids: string[], comment: string) => Promise<unknown> }): JSX.Element {
  const t = useText();
  const { message } = App.useApp();
  const [comment, setComment] = useState("");
  const acknowledge = useChange((wanted: string[]) => send(wanted, comment.trim()), ["alarms", "overview", "devices"], (_, wanted) => {
    setComment("");
    void message.success(t.alarms.acknowledged(wanted.length));
    done();
  });
  return (
    <Modal
      open={ids !== null} onCancel={close} title={t.alarms.acknowledgeN(ids?.length ?? 0)} okText={t.alarms.acknowledge} cancelText={t.common.cancel}
      confirmLoading={acknowledge.isPending} onOk={() => { if (ids) acknowledge.mutate(ids); }} destroyOnHidden okButtonProps={{ "data-testid": "acknowledge-confirm" } as never}
    >
      <Input.TextArea rows={3} maxLength={500} placeholder={t.alarms.commentHint} value={comment} onChange={(event) => { setComment(event.target.value); }} autoFocus />
    </Modal>
  );
}
