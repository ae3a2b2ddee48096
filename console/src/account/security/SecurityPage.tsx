import type { JSX } from "react";

import { useText } from "../../i18n";
import { Page } from "../../parts/Page";
import { AuthenticatorPanel } from "./AuthenticatorPanel";
import { IdentitiesPanel } from "./IdentitiesPanel";
import { PasskeysPanel } from "./PasskeysPanel";

/** A person's own second factors, passkeys and accounts elsewhere. */
export default function SecurityPage(): JSX.Element {
  const t = useText();
  return (
    <Page title={t.security.title} text={t.security.text}>
      <div className="stack"><PasskeysPanel /><AuthenticatorPanel /><IdentitiesPanel /></div>
    </Page>
  );
}
