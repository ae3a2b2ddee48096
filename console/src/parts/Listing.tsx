/** A table on a wide screen, cards on a phone, and a cursor's "load more" below either. */
import { Button, Table, type TableColumnsType, type TableProps } from "antd";
import type { JSX, Key, ReactNode } from "react";

import { useText } from "../i18n";
import { usePhone } from "./screen";

interface Props<T> {
  items: readonly T[];
  columns: TableColumnsType<T>;
  rowKey: (item: T) => string;
  card: (item: T) => ReactNode;
  onOpen?: (item: T) => void;
  loading?: boolean;
  more?: (() => void) | null;
  loadingMore?: boolean;
  selected?: { keys: Key[]; change: (keys: Key[]) => void; disabled?: (item: T) => boolean };
  size?: TableProps<T>["size"];
  /** It stands in a panel already and needs no frame of its own. */
  inside?: boolean;
}

export function Listing<T extends object>({ items, columns, rowKey, card, onOpen, loading = false, more, loadingMore = false, selected, size = "middle", inside = false }: Props<T>): JSX.Element {
  const t = useText();
  const phone = usePhone();
  const foot = more ? (
    <div style={{ textAlign: "center", padding: 12 }}><Button loading={loadingMore} onClick={more}>{t.common.loadMore}</Button></div>
  ) : null;
  if (phone)
    return <div className={inside ? "insets" : "cards"}>{items.map((item) => <div key={rowKey(item)}>{card(item)}</div>)}{foot}</div>;
  return (
    <div className={inside ? "" : "panel"} style={{ overflow: "hidden" }}>
      <Table<T>
        dataSource={[...items]} columns={columns} rowKey={rowKey} size={size} loading={loading} pagination={false} scroll={{ x: "max-content" }}
        {...(selected && {
          rowSelection: {
            selectedRowKeys: selected.keys, onChange: selected.change, columnWidth: 40,
            getCheckboxProps: (item: T) => ({ disabled: selected.disabled?.(item) ?? false }),
          },
        })}
        {...(onOpen && {
          rowClassName: "clickable",
          onRow: (item: T) => ({
            onClick: (event) => {
              if (!(event.target as HTMLElement).closest("a,button,input,label,.ant-checkbox-wrapper,.ant-table-selection-column")) onOpen(item);
            },
          }),
        })}
      />
      {foot}
    </div>
  );
}
