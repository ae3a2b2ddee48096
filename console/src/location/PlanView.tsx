import type { JSX, MouseEvent } from "react";

import { address } from "../api/client";
import { useText } from "../i18n";
import { type Corner, type Plan, type Reader, spotOf, type TrailPoint, type Whereabouts, type Zone } from "./model";

interface Props {
  plan: Plan; zones: readonly Zone[]; readers: readonly Reader[]; tags: readonly Whereabouts[]; trail: readonly TrailPoint[];
  drawing: Corner[] | null; addCorner: (corner: Corner) => void; openZone: (zone: Zone) => void; openTag: (tag: Whereabouts) => void;
}

/** A plan in metres, 0, 0 in the lower left corner: picture, zones, readers, tags and a trail. */
export function PlanView({ plan, zones, readers, tags, trail, drawing, addCorner, openZone, openTag }: Props): JSX.Element {
  const t = useText();
  const { width_m: width, height_m: height } = plan;
  const unit = Math.max(width, height) / 100;
  const at = ([x, y]: Corner): string => `${x},${height - y}`;
  const click = (event: MouseEvent<SVGSVGElement>): void => {
    if (!drawing) return;
    const matrix = event.currentTarget.getScreenCTM();
    if (!matrix) return;
    const point = new DOMPoint(event.clientX, event.clientY).matrixTransform(matrix.inverse());
    const round = (value: number, most: number): number => Math.round(Math.min(Math.max(value, 0), most) * 100) / 100;
    addCorner([round(point.x, width), round(height - point.y, height)]);
  };
  const steps = trail.filter((one) => one.plan_id === plan.id && one.x_m !== null && one.y_m !== null && !one.late);
  const stacked = new Map<string, number>();
  return (
    <svg role="img" aria-label={plan.name} viewBox={`0 0 ${width} ${height}`} onClick={click} data-plan={plan.id}
      style={{ width: "100%", maxHeight: "70vh", background: "var(--surface)", border: "1px solid var(--line)", borderRadius: 8, cursor: drawing ? "crosshair" : "default", display: "block", touchAction: "manipulation" }}>
      {plan.image_type && <image href={address(`/location/plans/${plan.id}/picture`, { revision: plan.revision })} x={0} y={0} width={width} height={height} preserveAspectRatio="none" />}
      {zones.filter((zone) => zone.polygon.length > 2).map((zone) => {
        const middle: Corner = [zone.polygon.reduce((sum, c) => sum + c[0], 0) / zone.polygon.length, zone.polygon.reduce((sum, c) => sum + c[1], 0) / zone.polygon.length];
        return (
          <g key={zone.id} data-zone={zone.name} onClick={(event) => { if (!drawing) { event.stopPropagation(); openZone(zone); } }} style={{ cursor: drawing ? "crosshair" : "pointer" }}>
            <polygon points={zone.polygon.map(at).join(" ")} fill={zone.inside ? "#1677ff" : "#8c8c8c"} fillOpacity={0.18} stroke={zone.inside ? "#1677ff" : "#8c8c8c"} strokeWidth={unit * 0.3} strokeDasharray={zone.certain ? undefined : `${unit} ${unit}`} />
            <text x={middle[0]} y={height - middle[1]} fontSize={unit * 2.4} textAnchor="middle" fill="currentColor">{zone.name} · {zone.inside}{zone.certain ? "" : ` (${t.location.uncertain})`}</text>
          </g>
        );
      })}
      {readers.filter((one) => one.plan_id === plan.id && one.x_m !== null && one.y_m !== null).map((one) => (
        <rect key={one.device_id} x={(one.x_m ?? 0) - unit * 0.8} y={height - (one.y_m ?? 0) - unit * 0.8} width={unit * 1.6} height={unit * 1.6} fill={one.lost ? "#d4380d" : "#389e0d"}><title>{one.device}</title></rect>
      ))}
      {steps.length > 1 && <polyline data-trail={steps.length} points={steps.map((one) => at([one.x_m ?? 0, one.y_m ?? 0])).join(" ")} fill="none" stroke="#d48806" strokeWidth={unit * 0.4} strokeLinejoin="round" />}
      {tags.map((tag) => {
        const spot = spotOf(tag, plan.id, readers);
        if (!spot) return null;
        const before = stacked.get(at(spot)) ?? 0;
        stacked.set(at(spot), before + 1);
        const angle = before * 2.4;
        const far = before ? unit * (1.4 + before * 0.15) : 0;
        const certain = tag.zones.every((zone) => zone.certain);
        return (
          <circle key={`${tag.organisation_id}/${tag.tag}`} data-tag={tag.tag} cx={spot[0] + far * Math.cos(angle)} cy={height - spot[1] + far * Math.sin(angle)} r={unit * 0.9} fill={certain ? "#0958d9" : "#bfbfbf"} stroke="#fff" strokeWidth={unit * 0.2}
            onClick={(event) => { if (!drawing) { event.stopPropagation(); openTag(tag); } }} style={{ cursor: "pointer" }}><title>{tag.name || tag.tag}</title></circle>
        );
      })}
      {drawing && drawing.length > 0 && <>
        <polygon points={drawing.map(at).join(" ")} fill="#fa8c16" fillOpacity={0.25} stroke="#fa8c16" strokeWidth={unit * 0.3} />
        {drawing.map((corner, i) => <circle key={i} cx={corner[0]} cy={height - corner[1]} r={unit * 0.6} fill="#fa8c16" />)}
      </>}
    </svg>
  );
}
