import { type JSX, useEffect, useRef } from "react";

import type { Alarm, Evidence } from "../api/model";
import { useResource } from "../api/queries";
import { useDark } from "../app/preferences";
import { FONT, PALETTES } from "../app/theme";
import { useFormat, useText } from "../i18n";
import { unitSign } from "../i18n/format";
import { Loaded } from "../parts/Page";
import { axisTime } from "../trend/options";
import { usePlot } from "../trend/usePlot";

/** The readings around an alarm, its limits as lines, and when it was raised and returned. */
export default function EvidenceChart({ alarm }: { alarm: Alarm }): JSX.Element {
  const evidence = useResource<Evidence>(`/alarms/${alarm.id}/evidence`, {}, { everyMs: alarm.active ? 5000 : 30_000 });
  return <Loaded query={evidence}>{(e) => (e.value.some((v) => typeof v === "number") ? <Plot alarm={alarm} evidence={e} /> : <Nothing />)}</Loaded>;
}

const Nothing = (): JSX.Element => <div className="quiet" style={{ padding: 24, textAlign: "center" }}>{useText().common.noData}</div>;

function Plot({ alarm, evidence: e }: { alarm: Alarm; evidence: Evidence }): JSX.Element {
  const t = useText();
  const f = useFormat();
  const p = PALETTES[useDark() ? "dark" : "light"];
  const element = useRef<HTMLDivElement>(null);
  const { chart } = usePlot(element);
  useEffect(() => {
    const tint = p.priority[alarm.priority];
    const from = Math.min(e.from_ms, e.time_ms[0] ?? e.from_ms);
    const to = Math.max(e.to_ms, e.time_ms.at(-1) ?? e.to_ms);
    const moment = (ms: number, name: string, colour: string): object => ({ xAxis: ms, label: { formatter: name, position: "end", align: ms > (from + to) / 2 ? "right" : "left", color: colour, distance: 2 }, lineStyle: { color: colour, type: "solid", width: 1 } });
    const limit = (value: number | null, name: string): object[] => (value === null ? [] : [{ yAxis: value, label: { formatter: `${name} ${f.value(value)}`, position: "insideStartTop", color: tint }, lineStyle: { color: tint, type: "dashed", width: 1.2 } }]);
    const values = e.value.filter((v): v is number => typeof v === "number");
    const limits = [e.limit_high, e.limit_low].filter((v): v is number => v !== null);
    const low = Math.min(...values, ...limits);
    const high = Math.max(...values, ...limits);
    const room = (high - low || Math.abs(high) || 1) * 0.08;
    chart?.setOption({
      animation: false, textStyle: { fontFamily: FONT },
      grid: { left: 56, right: 16, top: 28, bottom: 28 },
      xAxis: { type: "time", min: from, max: to, axisLabel: { color: p.quiet, hideOverlap: true, formatter: axisTime(f, to - from) }, axisLine: { lineStyle: { color: p.line } }, splitLine: { show: false }, splitNumber: 4 },
      yAxis: { type: "value", min: low - room, max: high + room, name: unitSign(e.unit), nameTextStyle: { color: p.quiet }, axisLabel: { color: p.quiet, formatter: (v: number) => f.value(Number(v.toPrecision(6))), showMinLabel: false, showMaxLabel: false }, splitLine: { lineStyle: { color: p.line } } },
      tooltip: { trigger: "axis", confine: true, backgroundColor: p.raised, borderColor: p.line, textStyle: { color: p.text, fontSize: 12 }, formatter: (items: { data: [number, number | null] }[]) => `${f.time(items[0]?.data[0] ?? 0)}<br><b>${f.withUnit(items[0]?.data[1] ?? null, null)}</b>` },
      series: [{
        type: "line", data: e.time_ms.map((time, i) => [time, typeof e.value[i] === "number" ? e.value[i] : null]), showSymbol: e.time_ms.length < 40, symbolSize: 4, lineStyle: { color: p.series[0], width: 1.6 }, itemStyle: { color: p.series[0] }, step: false,
        markLine: {
          symbol: "none", silent: true, data: [
            ...limit(e.limit_high, t.alarms.high), ...limit(e.limit_low, t.alarms.low), moment(alarm.raised_ms, t.alarms.raisedMark, tint),
            ...(alarm.returned_ms === null ? [] : [moment(alarm.returned_ms, t.alarms.returnedMark, p.quiet)]),
          ],
        },
      }],
    }, { notMerge: true });
  }, [chart, alarm, e, p, f, t]);
  return <div ref={element} style={{ height: 240 }} role="img" aria-label={t.alarms.evidenceText} />;
}
