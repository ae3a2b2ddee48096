import { Button } from "antd";
import type { JSX } from "react";
import { Link, useRouteError } from "react-router";

import { useText } from "../i18n";
import { Empty } from "../parts/Page";

export function NoSuchPage(): JSX.Element {
  const t = useText();
  return <Empty title={t.problem.notFound} text={t.problem.notFoundHint}><Link to="/"><Button type="primary">{t.problem.home}</Button></Link></Empty>;
}

/** A page that failed to draw; also a chunk that a newer build of the console has replaced. */
export function Crash(): JSX.Element {
  const t = useText();
  const error = useRouteError();
  return (
    <Empty title={t.problem.crashed} text={t.problem.crashedHint}>
      <Button type="primary" onClick={() => { location.reload(); }}>{t.problem.reload}</Button>
      <pre className="payload small" style={{ width: "100%", textAlign: "start" }}>{error instanceof Error ? error.message : String(error)}</pre>
    </Empty>
  );
}
