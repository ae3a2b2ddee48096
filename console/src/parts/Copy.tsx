import { CheckOutlined, CopyOutlined } from "@ant-design/icons";
import { Button } from "antd";
import { type JSX, useState } from "react";

import { useText } from "../i18n";

/** Puts text on the clipboard; works on plain HTTP too, where browsers hide the clipboard API. */
async function copy(text: string): Promise<void> {
  if (navigator.clipboard && window.isSecureContext) {
    await navigator.clipboard.writeText(text);
    return;
  }
  const area = document.createElement("textarea");
  area.value = text;
  area.style.position = "fixed";
  area.style.opacity = "0";
  document.body.append(area);
  area.select();
  document.execCommand("copy");
  area.remove();
}

export function CopyButton({ text, label, size = "small", done }: { text: string; label?: string; size?: "small" | "middle"; done?: () => void }): JSX.Element {
  const t = useText();
  const [copied, setCopied] = useState(false);
  return (
    <Button
      size={size} type={label ? "default" : "text"} aria-label={label ?? t.common.copy} icon={copied ? <CheckOutlined /> : <CopyOutlined />}
      onClick={() => {
        void copy(text).then(() => {
          setCopied(true);
          done?.();
          setTimeout(() => { setCopied(false); }, 1600);
        });
      }}
    >
      {label && (copied ? t.common.copied : label)}
    </Button>
  );
}

export function Snippet({ text }: { text: string }): JSX.Element {
  return <div className="snippet">{text}<CopyButton text={text} /></div>;
}
