import { Segmented } from "antd";
import { type JSX, useEffect, useRef, useState } from "react";

import type { MeterUsage, Usage } from "../api/model";
import { useDark, usePreferences } from "../app/preferences";
import { FONT, PALETTES } from "../app/theme";
import { useFormat, useText } from "../i18n";
import { Panel } from "../parts/Page";
import { usePlot } from "../trend/usePlot";
import { amountOf, meterName } from "./words";

/** A bar for each day of the month, of one meter at a time. */
export default function DayChart({ usage }: { usage: Usage }): JSX.Element {
  const t = useText();
  const { language } = usePreferences();
  const used = usage.meters.filter((meter) => meter.used > 0);
  const [chosen, setChosen] = useState<string | null>(null);
  const meter = used.find((each) => each.meter === chosen) ?? used[0];
  return (
    <Panel title={<span style={{ whiteSpace: "nowrap" }}>{t.usage.byDay}</span>} extra={used.length > 1 && meter && (
      <div style={{ overflowX: "auto", maxWidth: "100%" }}><Segmented size="small" value={meter.meter} onChange={setChosen} options={used.map((each) => ({ value: each.meter, label: meterName(each, language) }))} /></div>
    )}>
      {meter && <Bars meter={meter} month={usage.month} />}
    </Panel>
  );
}

function Bars({ meter, month }: { meter: MeterUsage; month: string }): JSX.Element {
  const t = useText();
  const f = useFormat();
  const { language } = usePreferences();
  const p = PALETTES[useDark() ? "dark" : "light"];
  const element = useRef<HTMLDivElement>(null);
  const { chart } = usePlot(element);
  useEffect(() => {
    const bytes = meter.meter === "stored_bytes";
    chart?.setOption({
      animation: false, textStyle: { fontFamily: FONT },
      grid: { left: 64, right: 8, top: 12, bottom: 24 },
      xAxis: { type: "category", data: meter.days.map((_, day) => String(day + 1)), axisLabel: { color: p.quiet, hideOverlap: true }, axisTick: { show: false }, axisLine: { lineStyle: { color: p.line } } },
      yAxis: { type: "value", minInterval: 1, axisLabel: { color: p.quiet, formatter: (v: number) => (bytes ? f.bytes(v) : f.compact(v)) }, splitLine: { lineStyle: { color: p.line } } },
      tooltip: { trigger: "axis", confine: true, backgroundColor: p.raised, borderColor: p.line, textStyle: { color: p.text, fontSize: 12 }, formatter: (items: { dataIndex: number; value: number }[]) => `${month}-${String((items[0]?.dataIndex ?? 0) + 1).padStart(2, "0")}<br><b>${amountOf(meter.meter, items[0]?.value ?? 0, f, t.usage.byteDays)}</b>` },
      series: [{ type: "bar", data: meter.days, itemStyle: { color: p.series[0], borderRadius: [2, 2, 0, 0] }, barMaxWidth: 24 }],
    }, { notMerge: true });
  }, [chart, meter, month, p, f, t]);
  return <div ref={element} style={{ height: 220 }} role="img" aria-label={`${t.usage.byDay}: ${meterName(meter, language)}`} />;
}
