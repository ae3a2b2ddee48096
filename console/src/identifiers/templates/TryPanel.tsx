import { Alert } from "antd";
import { type JSX, useState } from "react";

import type { TemplateInfo } from "../../api/identifiers";
import { useText } from "../../i18n";
import { Empty, Panel } from "../../parts/Page";
import { wordsOf } from "../../parts/Problem";
import { TemplateForm } from "../fields/TemplateForm";
import { useFieldCheck } from "../fields/useFieldCheck";
import type { Entered } from "../fields/values";

/** Fields tried against what is kept: the draft where there is one. */
export function TryPanel({ template, changed }: { template: TemplateInfo; changed: boolean }): JSX.Element {
  const t = useText();
  const [entered, setEntered] = useState<Entered>({});
  const document = template.draft ?? template.document;
  const fields = document.fields ?? [];
  const check = useFieldCheck(template.id, fields, entered, { draft: template.draft !== null, revision: template.revision, enabled: fields.length > 0 });
  // What is missing is said once something was filled in.
  const begun = Object.keys(check.fields).length > 0;
  const problems = check.problems.filter((one) => begun && (entered[one.field] !== undefined || Object.keys(entered).length > 1));
  const refused = new Set([...check.problems.map((one) => one.field), ...check.faults]).size;
  if (fields.length === 0) return <div className="panel"><Empty title={t.templates.noFields} text={t.templates.noFieldsText} /></div>;
  return (
    <div className="codes">
      <Panel>
        <div className="stack">
          <p className="quiet">{t.templates.tryText}</p>
          {changed && <Alert type="info" showIcon title={t.templates.saveFirst} />}
          <TemplateForm fields={fields} entered={entered} change={setEntered} problems={problems} faults={check.faults} />
        </div>
      </Panel>
      <Panel title={t.templates.asStored}>
        <div className="stack tight" aria-live="polite" data-testid="try-result">
          {begun && !check.checking && (check.error ? <Alert type="error" showIcon title={wordsOf(check.error, t).title} /> : refused === 0 ? <Alert type="success" showIcon title={t.templates.takes} /> : <Alert type="warning" showIcon title={t.templates.refuses(refused)} />)}
          <pre className="payload">{JSON.stringify(check.read ?? check.fields, null, 2)}</pre>
        </div>
      </Panel>
    </div>
  );
}
