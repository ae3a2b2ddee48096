import { Button } from "antd";
import { type JSX, useEffect } from "react";

import { remove } from "../../api/client";
import { queryClient } from "../../api/queries";
import { useText } from "../../i18n";
import { AuthenticatorPanel } from "./AuthenticatorPanel";
import { PasskeysPanel } from "./PasskeysPanel";
import { showProof } from "./ProofBox";

/** In place of the console, until a role's second factor is set up or shown. */
export function RestrictedPage(): JSX.Element {
  const t = useText();
  useEffect(() => { document.title = `${t.security.required} · ${t.brand.name}`; }, [t]);
  const leave = async (): Promise<void> => {
    await remove("/session").catch(() => undefined);
    queryClient.clear();
    window.location.assign("/sign-in");
  };
  return (
    <main style={{ maxWidth: 880, margin: "0 auto", padding: 24 }}>
      <div className="page-head">
        <div className="grow"><h1>{t.security.required}</h1><div className="quiet">{t.security.requiredText}</div></div>
        <div className="row wrap"><Button onClick={showProof}>{t.security.show}</Button><Button type="text" onClick={() => { void leave(); }}>{t.session.signOut}</Button></div>
      </div>
      <div className="stack"><AuthenticatorPanel /><PasskeysPanel /></div>
    </main>
  );
}
