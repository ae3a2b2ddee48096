import type { JSX } from "react";

import type { NetworkReport, SiteLink } from "../api/model";
import { useText } from "../i18n";
import { usePhone } from "../parts/screen";
import { colourOf } from "./marks";

const MOST = 12;
interface Node { key: string; title: string; text: string; link: SiteLink | null }
interface Branch { key: string; title: string; text: string; nodes: Node[] }

/** Site → interface and the switch it is cabled to → who is reached there; colours are states, words stand beside them. */
export function Topology({ name, report }: { name: string; report: NetworkReport }): JSX.Element {
  const t = useText();
  const phone = usePhone();
  const branches = branchesOf(report, t.networks.roles);
  const row = 34, gap = 14, narrow = phone;
  const width = narrow ? 340 : 920;
  const columns = narrow ? [0, 24, 48] : [0, 250, 560];
  const box = narrow ? [200, 240, 284] : [190, 240, 350];
  let y = narrow ? 60 : 10;
  const placed = branches.map((branch) => {
    const shown = branch.nodes.slice(0, MOST);
    const more = branch.nodes.length - shown.length;
    const rows = shown.length + (more > 0 ? 1 : 0);
    const top = y;
    const first = narrow ? top + 48 : top;
    y = narrow ? first + rows * row + gap : top + Math.max(1, rows) * row + gap;
    return { branch, shown, more, top: narrow ? top : top + (Math.max(1, rows) * row) / 2 - 19, first };
  });
  const height = Math.max(y, 70);
  const rootY = narrow ? 10 : height / 2 - 19;
  const down = report.links.filter((l) => l.state === "down").length;
  const line = (x1: number, y1: number, x2: number, y2: number, colour: string, dashed: boolean, key: string): JSX.Element => (
    <path key={key} d={narrow ? `M${x1} ${y1}V${y2}H${x2}` : `M${x1} ${y1}C${(x1 + x2) / 2} ${y1} ${(x1 + x2) / 2} ${y2} ${x2} ${y2}`} fill="none" stroke={colour} strokeWidth="1.6" {...(dashed && { strokeDasharray: "4 4" })} />
  );
  return (
    <div style={{ overflowX: "auto" }}>
      <svg viewBox={`0 0 ${width} ${height}`} style={{ width: "100%", minWidth: narrow ? 300 : 720, maxHeight: 900 }} role="img" aria-label={t.networks.picture(report.links.length, down)} data-topology>
        {placed.map(({ branch, shown, top, first }) => (
          <g key={branch.key}>
            {narrow ? line(12, rootY + 38, columns[1] ?? 0, top + 19, "var(--line)", false, "r") : line((columns[0] ?? 0) + (box[0] ?? 0), rootY + 19, columns[1] ?? 0, top + 19, "var(--faint)", false, "r")}
            {shown.map((node, i) => {
              const at = first + i * row + 14;
              const colour = node.link ? colourOf(node.link.state) : "var(--faint)";
              return narrow ? line((columns[1] ?? 0) + 12, top + 38, columns[2] ?? 0, at, colour, node.link?.state === "down", node.key) : line((columns[1] ?? 0) + (box[1] ?? 0), top + 19, columns[2] ?? 0, at, colour, node.link?.state === "down", node.key);
            })}
          </g>
        ))}
        <Box x={columns[0] ?? 0} y={rootY} width={box[0] ?? 0} title={name} text={report.host} bold />
        {placed.map(({ branch, shown, more, top, first }) => (
          <g key={branch.key}>
            <Box x={columns[1] ?? 0} y={top} width={box[1] ?? 0} title={branch.title} text={branch.text || t.networks.noSwitch} />
            {shown.map((node, i) => (
              <g key={node.key} data-peer={node.key}>
                <circle cx={(columns[2] ?? 0) + 8} cy={first + i * row + 14} r="5" fill={node.link && node.link.state !== "unknown" ? colourOf(node.link.state) : "none"} stroke={node.link ? colourOf(node.link.state) : "var(--faint)"} strokeWidth="1.5" />
                <text x={(columns[2] ?? 0) + 20} y={first + i * row + 12} fontSize="12" fill="var(--text)">{cut(node.title, 44)}</text>
                <text x={(columns[2] ?? 0) + 20} y={first + i * row + 26} fontSize="11" fill="var(--quiet)">{cut(`${node.link ? t.networks.states[node.link.state] + " · " : ""}${node.text}`, narrow ? 40 : 54)}</text>
              </g>
            ))}
            {more > 0 && <text x={(columns[2] ?? 0) + 20} y={first + shown.length * row + 16} fontSize="11" fill="var(--quiet)">{t.networks.further(more)}</text>}
          </g>
        ))}
      </svg>
    </div>
  );
}

function Box({ x, y, width, title, text, bold = false }: { x: number; y: number; width: number; title: string; text: string; bold?: boolean }): JSX.Element {
  const most = Math.floor(width / 6.6);
  return (
    <g>
      <rect x={x + 0.75} y={y + 0.75} width={width - 1.5} height="36.5" rx="6" fill="var(--raised)" stroke={bold ? "var(--accent)" : "var(--line)"} strokeWidth="1.5" />
      <text x={x + 10} y={y + 16} fontSize="12" fontWeight="600" fill="var(--text)">{cut(title, most)}</text>
      <text x={x + 10} y={y + 30} fontSize="11" fill="var(--quiet)">{cut(text, most)}</text>
    </g>
  );
}

const cut = (text: string, most: number): string => (text.length > most ? `${text.slice(0, most - 1)}…` : text);

function branchesOf(report: NetworkReport, roles: Record<SiteLink["role"], string>): Branch[] {
  const used = new Set([...report.links.map((l) => l.interface), ...report.switches.map((s) => s.interface)].filter(Boolean));
  const there = report.interfaces.filter((i) => !i.loopback && (used.has(i.name) || (i.up && i.carrier && i.addresses.length > 0)));
  return there.map((each) => {
    const port = report.switches.find((s) => s.interface === each.name);
    const links = report.links.filter((l) => l.interface === each.name);
    return {
      key: each.name, title: port ? `${each.name} → ${port.name || port.chassis}` : each.name,
      text: port ? [port.port_text || port.port, port.vlan ? `VLAN ${port.vlan}` : ""].filter(Boolean).join(" · ") : "",
      nodes: links.map((link) => ({ key: link.peer, title: link.names.length ? `${link.names.join(", ")} · ${link.peer}` : link.peer, text: [roles[link.role], ...link.protocols].join(" · "), link })),
    };
  });
}
