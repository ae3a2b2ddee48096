import type { JSX, ReactNode } from "react";

import { AppearanceSwitch, LanguageSwitch } from "../app/HeaderTools";
import { useText } from "../i18n";
import { Logo } from "../parts/Logo";

/** The page before one is in: mark, one card, language and appearance. */
export function Door({ title, text, children }: { title: string; text?: string; children: ReactNode }): JSX.Element {
  const t = useText();
  return (
    <main className="door">
      <div className="row" style={{ padding: "12px 16px", justifyContent: "flex-end" }}><LanguageSwitch /><AppearanceSwitch /></div>
      <div className="door-card">
        <div className="row" style={{ gap: 12, marginBottom: 24 }}><Logo size={40} /><div><div style={{ fontSize: 20, lineHeight: "24px", fontWeight: 600 }}>{t.brand.name}</div><div className="small quiet">{t.brand.tagline}</div></div></div>
        <h1>{title}</h1>
        {text && <p className="quiet" style={{ marginBottom: 20 }}>{text}</p>}
        {children}
      </div>
      <div />
    </main>
  );
}
