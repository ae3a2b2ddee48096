import { CheckCircleOutlined, CloseCircleOutlined, LoadingOutlined } from "@ant-design/icons";
import { useQuery } from "@tanstack/react-query";
import type { JSX } from "react";

import { post, ProblemError } from "../../api/client";
import type { PrefixAnswer, PrefixSystem } from "../../api/identifiers";
import { usePreferences } from "../../app/preferences";
import { markedAt } from "../../codes/segments";
import { useText } from "../../i18n";
import { wordsOf } from "../../parts/Problem";
import { useSettled } from "../../parts/settled";

/** What the node says of a prefix while it is typed: at which character it is wrong and why, or whether it can be had. */
export function PrefixCheck({ system, text }: { system: PrefixSystem; text: string }): JSX.Element {
  const t = useText();
  const zh = usePreferences().language === "zh";
  const settled = useSettled(text.trim(), 300);
  const asked = useQuery({
    queryKey: ["prefix-check", system, settled],
    queryFn: () => post<PrefixAnswer>("/prefixes/check", { system, prefix: settled }),
    enabled: settled !== "", retry: false, staleTime: 10_000,
  });
  return <div aria-live="polite" data-testid="prefix-check" style={{ marginBlockEnd: 16, minHeight: 44 }} className="small">{content()}</div>;

  function content(): JSX.Element {
    if (settled === "") return <span className="quiet">{t.prefixes.samples[system]} · {t.prefixes.typeOne}</span>;
    if (asked.isPending || settled !== text.trim()) return <span className="quiet"><LoadingOutlined /> {t.prefixes.checking}</span>;
    if (asked.error) {
      const data = asked.error instanceof ProblemError ? asked.error.problem.data : {};
      const at = typeof data["at"] === "number" ? data["at"] : null;
      const why = (zh && (data["why_zh"] as string | undefined)) || (data["why"] as string | undefined);
      if (at === null || why === undefined) return <span style={{ color: "var(--critical)" }}>{wordsOf(asked.error, t).title}</span>;
      const [before, wrong, after] = markedAt(settled, at);
      return (
        <div role="alert">
          <div className="mono" style={{ overflowWrap: "anywhere" }}>{before}<mark className="code-wrong" style={{ color: "inherit" }}>{wrong}</mark>{after}</div>
          <div style={{ color: "var(--critical)" }}><CloseCircleOutlined /> {t.prefixes.wrongAt(String(at + 1), why)}</div>
        </div>
      );
    }
    const { available, parts, parent, certainty } = asked.data;
    return (
      <div>
        <div style={{ color: available ? "var(--ok)" : "var(--critical)" }}>{available ? <CheckCircleOutlined /> : <CloseCircleOutlined />} {available ? t.prefixes.available : t.prefixes.taken}</div>
        <div className="quiet">
          {parts.map((part) => `${zh ? part.label_zh : part.label} ${part.value}${(zh ? part.meaning_zh : part.meaning) ? ` (${(zh ? part.meaning_zh : part.meaning) ?? ""})` : ""}`).join(" · ")}
          {parts.length > 0 && ". "}{parent === null ? t.prefixes.noParent : t.prefixes.below(parent)}{zh ? "。" : "."}{certainty === "recalled" && ` ${t.prefixes.recalled}`}
        </div>
      </div>
    );
  }
}
