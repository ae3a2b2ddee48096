import { App, Input, Modal } from "antd";
import { type JSX, useState } from "react";

import { post } from "../api/client";
import { useChange } from "../api/queries";
import { useText } from "../i18n";

interface Result { acknowledged: string[]; skipped: string[] }

/** Asks for an optional comment, then acknowledges. */
export function AcknowledgeBox({ ids, close, done }: { ids: string[] | null; close: () => void; done: () => void }): JSX.Element {
  const t = useText();
  const { message } = App.useApp();
  const [comment, setComment] = useState("");
  const acknowledge = useChange((wanted: string[]) => post<Result>("/alarms/acknowledge", { ids: wanted, comment: comment.trim() }), ["alarms", "overview", "devices"], (result) => {
    setComment("");
    // Fewer than were asked for when a colleague was faster.
    void message.success(t.alarms.acknowledged(result.acknowledged.length));
    done();
  });
  return (
    <Modal
      open={ids !== null} onCancel={close} title={t.alarms.acknowledgeN(ids?.length ?? 0)} okText={t.alarms.acknowledge} cancelText={t.common.cancel}
      confirmLoading={acknowledge.isPending} onOk={() => { if (ids) acknowledge.mutate(ids); }} destroyOnHidden okButtonProps={{ "data-testid": "acknowledge-confirm" } as never}
    >
      <Input.TextArea rows={3} maxLength={500} placeholder={t.alarms.commentHint} aria-label={t.alarms.comment} value={comment} onChange={(event) => { setComment(event.target.value); }} autoFocus />
    </Modal>
  );
}
