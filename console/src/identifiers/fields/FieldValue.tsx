import type { JSX } from "react";
import { Link } from "react-router";

import type { TemplateField } from "../../api/identifiers";
import { usePreferences } from "../../app/preferences";
import { useFormat, useText } from "../../i18n";
import { isWebAddress, recordPath } from "../records/address";
import { whole } from "../templates/document";
import type { FileValue, Quantity } from "./values";

interface Place { latitude: number; longitude: number; altitude?: number }

/** A value of a field as people read it; without the field, as what it looks like. */
export function FieldValue({ field, value }: { field?: TemplateField | undefined; value: unknown }): JSX.Element {
  const t = useText();
  const f = useFormat();
  const zh = usePreferences().language === "zh";
  if (value === null || value === undefined) return <span className="faint">–</span>;
  if (Array.isArray(value)) return <>{value.map((one, place) => <div key={place}><FieldValue field={field} value={one as unknown} /></div>)}</>;
  const type = field ? whole(field).type : null;
  const text = typeof value === "string" ? value : JSON.stringify(value);
  switch (type) {
    case "boolean": return <>{value === true ? t.common.yes : t.common.no}</>;
    case "integer": case "number": return <span className="num">{typeof value === "number" ? f.value(value) : text}</span>;
    case "quantity": { const { value: number, unit } = value as Quantity; return <span className="num">{f.withUnit(number, unit)}</span>; }
    case "enum": { const one = field?.values?.find((each) => each.value === value); return <>{(zh ? one?.label_zh || one?.label : one?.label) || text}</>; }
    case "datetime": { const at = Date.parse(text); return <span className="num" title={text}>{Number.isNaN(at) ? text : f.time(at)}</span>; }
    case "reference": return <Link className="mono" style={{ overflowWrap: "anywhere" }} to={recordPath(text)}>{text}</Link>;
    case "geo": { const { latitude, longitude, altitude } = value as Place; return <span className="num">{latitude}, {longitude}{altitude !== undefined && ` · ${altitude} m`}</span>; }
    case "file": {
      const file = value as FileValue;
      return (
        <span>
          {isWebAddress(file.url) ? <a href={file.url} target="_blank" rel="noreferrer">{file.name ?? file.url}</a> : file.name}{file.size !== undefined && <span className="quiet"> {f.bytes(file.size)}</span>}
          <span className="mono small quiet" style={{ display: "block", overflowWrap: "anywhere" }}>{file.digest}</span>
        </span>
      );
    }
    case "json": return <pre className="payload" style={{ maxHeight: 240, whiteSpace: "pre-wrap" }}>{JSON.stringify(value, null, 2)}</pre>;
    default:
      if (isWebAddress(value)) return <a href={value} target="_blank" rel="noreferrer" style={{ overflowWrap: "anywhere" }}>{value}</a>;
      return <span style={{ whiteSpace: "pre-wrap", overflowWrap: "anywhere" }}>{text}</span>;
  }
}
