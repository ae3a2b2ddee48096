import { Tag, Tooltip } from "antd";
import type { JSX } from "react";

import type { Code, CodeProblem, CodeSystem, ParsedText } from "../api/model";
import { usePreferences } from "../app/preferences";
import { useText } from "../i18n";
import { CopyButton } from "../parts/Copy";
import { Panel } from "../parts/Page";
import { markedAt, segmentsOf } from "./segments";

const TINTS = 6;
const tint = (part: number): string => `tint-${part % TINTS}`;

/** A code taken apart: its parts coloured in place and explained, its other forms; or where it is wrong. */
export function CodeView({ found, systems }: { found: ParsedText; systems: CodeSystem[] }): JSX.Element {
  if (found.code) return <Explained code={found.code} forms={found.forms} also={found.also} systems={systems} />;
  return <Refused text={found.text.trim()} problem={found.problem} systems={systems} />;
}

function useSystemName(systems: CodeSystem[]): (name: string) => string {
  const { language } = usePreferences();
  return (name) => {
    const system = systems.find((one) => one.name === name);
    return (language === "zh" ? system?.label_zh : system?.label) ?? name;
  };
}

function Explained({ code, forms, also, systems }: { code: Code; forms: Record<string, string>; also: string[]; systems: CodeSystem[] }): JSX.Element {
  const t = useText();
  const zh = usePreferences().language === "zh";
  const nameOf = useSystemName(systems);
  const parts = code.parts ?? [];
  const recalled = code.certainty === "recalled";
  return (
    <div className="stack">
      <Panel
        title={nameOf(code.system)}
        extra={<><Tag>{code.kind}</Tag><Tooltip title={recalled ? t.codes.recalledText : systems.find((one) => one.name === code.system)?.standard}><Tag color={recalled ? "warning" : "success"} tabIndex={0} style={{ marginInlineEnd: 0 }}>{recalled ? t.codes.recalled : t.codes.verified}</Tag></Tooltip></>}
      >
        <div className="stack">
          <div className="code-text" data-code={code.canonical}>
            {segmentsOf(code.text, parts).map((segment, place) => segment.part === null
              ? <span key={place} className="faint">{segment.text}</span>
              : <Tooltip key={place} title={zh ? parts[segment.part]?.label_zh : parts[segment.part]?.label}><span className={`code-part ${tint(segment.part)}`}>{segment.text}</span></Tooltip>)}
          </div>
          <table className="differences">
            <thead><tr><th>{t.codes.part}</th><th>{t.codes.value}</th><th>{t.codes.meaning}</th></tr></thead>
            <tbody>
              {parts.map((part, index) => (
                <tr key={index}>
                  <td><span className="row"><i className={`code-swatch ${tint(index)}`} />{zh ? part.label_zh : part.label}</span></td>
                  <td className="mono" style={{ minWidth: 96 }}>{part.value}</td>
                  <td>{(zh ? part.meaning_zh : part.meaning) ?? ""}</td>
                </tr>
              ))}
            </tbody>
          </table>
          {(code.notes ?? []).map((note) => <div key={note} className="small quiet">{note}</div>)}
          {recalled && <div className="small quiet">{t.codes.recalledText}</div>}
          {also.length > 0 && <div className="small quiet">{t.codes.also(also.map(nameOf).join(", "))}</div>}
        </div>
      </Panel>
      <Panel title={t.codes.forms} flush>
        <div className="insets">
          {Object.entries(forms).map(([form, text]) => (
            <div key={form} className="inset row" style={{ paddingInline: 16 }} data-form={form}>
              <span className="label" style={{ width: 128, flex: "none" }}>{t.codes.formNames[form] ?? form}</span>
              <span className="mono grow" style={{ overflowWrap: "anywhere" }}>{text}</span>
              <CopyButton text={text} />
            </div>
          ))}
        </div>
      </Panel>
    </div>
  );
}

function Refused({ text, problem, systems }: { text: string; problem: CodeProblem | null; systems: CodeSystem[] }): JSX.Element {
  const t = useText();
  const zh = usePreferences().language === "zh";
  const nameOf = useSystemName(systems);
  const at = problem?.system ? problem.at : null;
  const [before, wrong, after] = markedAt(text, at ?? 0);
  const tried = [...(problem?.tried ?? [])].sort((a, b) => Number(b.likely ?? false) - Number(a.likely ?? false));
  return (
    <Panel title={problem?.system ? t.codes.looksLike(nameOf(problem.system)) : t.codes.unknown}>
      <div className="stack" role="alert">
        <div className="code-text">{at === null ? text : <>{before}<mark className="code-wrong" style={{ color: "inherit" }}>{wrong}</mark>{after}</>}</div>
        {at !== null && <div><b>{t.codes.wrongAt(String(at + 1))}</b>{zh ? "：" : ": "}{(zh && problem?.why_zh) || problem?.why}</div>}
        {tried.length > 0 && <details open={at === null}>
          <summary>{t.codes.tried}</summary>
          <table className="differences"><tbody>
            {tried.map((each) => <tr key={each.system}><td className="nowrap">{nameOf(each.system)}</td><td className="nowrap quiet">{t.codes.wrongAt(String(each.at + 1))}</td><td>{(zh && each.why_zh) || each.why}</td></tr>)}
          </tbody></table>
        </details>}
      </div>
    </Panel>
  );
}
