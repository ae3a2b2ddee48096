/** What a list shows, kept in the address: it survives a reload, and a link to it shows the same. */
import { SearchOutlined } from "@ant-design/icons";
import { Button, Input } from "antd";
import { type JSX, useEffect, useState } from "react";
import { useSearchParams } from "react-router";

import { useText } from "../i18n";

export type SetFilters = (change: Record<string, string | null>) => void;

/** The parameters of the address, and how to change some of them; null or empty takes one away. */
export function useFilters(): [URLSearchParams, SetFilters] {
  const [parameters, setParameters] = useSearchParams();
  const set: SetFilters = (change) => {
    setParameters((before) => {
      const next = new URLSearchParams(before);
      for (const [name, value] of Object.entries(change)) if (value) next.set(name, value); else next.delete(name);
      return next;
    }, { replace: true });
  };
  return [parameters, set];
}

/** Looks for text when asked to; shows what is looked for, also when something else changed that. */
export function SearchField({ value, hint, search }: { value: string; hint: string; search: (text: string | null) => void }): JSX.Element {
  const t = useText();
  const [text, setText] = useState(value);
  useEffect(() => { setText(value); }, [value]);
  return (
    <Input.Search
      allowClear style={{ width: 240, flex: "1 1 200px", maxWidth: 320 }} placeholder={hint} aria-label={hint} value={text}
      enterButton={<Button icon={<SearchOutlined />} aria-label={t.common.search} />}
      onChange={(event) => { setText(event.target.value); }} onSearch={(wanted) => { search(wanted.trim() || null); }}
    />
  );
}
