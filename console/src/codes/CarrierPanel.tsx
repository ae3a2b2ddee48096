import { Button, Checkbox, Select, Spin } from "antd";
import { useQuery } from "@tanstack/react-query";
import { type JSX, useState } from "react";

import { ProblemError } from "../api/client";
import { usePreferences } from "../app/preferences";
import { useText } from "../i18n";
import { Panel } from "../parts/Page";
import { useComplain } from "../parts/Problem";
import { save } from "../parts/files";
import { fileOf, SYMBOLOGIES, type Symbology } from "./use";

const FORMATS = ["svg", "png", "zpl"] as const;
const MESSAGE_CODES = ["identity.carrier_content", "identity.carrier_refused"];

/** The carrier of a text as picture, to be taken away as SVG, PNG or label commands. */
export function CarrierPanel({ text }: { text: string }): JSX.Element {
  const t = useText();
  const zh = usePreferences().language === "zh";
  const complain = useComplain();
  const elements = /^[([]\d{2,4}[)\]]/.test(text);
  const [chosen, setChosen] = useState<Symbology | null>(null);
  const [hri, setHri] = useState(true);
  const offered = SYMBOLOGIES.filter((each) => elements || !each.startsWith("gs1_"));
  const symbology = chosen !== null && offered.includes(chosen) ? chosen : elements ? "gs1_data_matrix" : "qr";
  const drawn = useQuery({
    queryKey: ["carriers", symbology, text, hri],
    queryFn: async () => `data:image/svg+xml,${encodeURIComponent(await (await fileOf(`/carriers/${symbology}`, { text, format: "svg", hri })).text())}`,
    retry: false, staleTime: Infinity,
  });
  const refused = drawn.error instanceof ProblemError && MESSAGE_CODES.includes(drawn.error.problem.code) ? drawn.error.problem : null;
  const why = refused && ((zh && (refused.data["why_zh"] as string | undefined)) || refused.detail);
  return (
    <Panel title={t.codes.carrier}>
      <div className="stack">
        <Select value={symbology} onChange={setChosen} virtual={false} aria-label={t.codes.symbology} options={offered.map((value) => ({ value, label: t.codes.symbologies[value] }))} />
        <div className="carrier-picture" aria-live="polite">
          {drawn.error ? <span style={{ color: "#5a676c" }}>{why ?? drawn.error.message}</span> : drawn.data ? <img src={drawn.data} alt={t.codes.alt(t.codes.symbologies[symbology] ?? symbology, text)} /> : <Spin />}
        </div>
        <Checkbox checked={hri} onChange={(event) => { setHri(event.target.checked); }}>{t.codes.hri}</Checkbox>
        <div className="row wrap">
          {FORMATS.map((format) => (
            <Button key={format} disabled={drawn.error !== null} onClick={() => { fileOf(`/carriers/${symbology}`, { text, format, hri, scale: 8 }).then((file) => { save(`${symbology}.${format}`, file); }, complain); }}>{format.toUpperCase()}</Button>
          ))}
        </div>
      </div>
    </Panel>
  );
}
