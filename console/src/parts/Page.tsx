import { Skeleton } from "antd";
import { type JSX, type ReactNode, useEffect } from "react";

import { ProblemError } from "../api/client";
import { useText } from "../i18n";
import { ProblemView } from "./Problem";

/** A page: its title (also the tab's), a line of explanation, and its actions. */
export function Page({ title, text, actions, children, lead }: { title: string; text?: ReactNode; actions?: ReactNode; lead?: ReactNode; children: ReactNode }): JSX.Element {
  const t = useText();
  useEffect(() => {
    document.title = `${title} · ${t.brand.name}`;
  }, [title, t]);
  return (
    <>
      <div className="page-head">
        <div className="grow">
          <div className="row wrap"><h1>{title}</h1>{lead}</div>
          {text && <div className="quiet">{text}</div>}
        </div>
        {actions && <div className="row wrap">{actions}</div>}
      </div>
      {children}
    </>
  );
}

export function Panel({ title, extra, children, flush = false, className = "" }: { title?: ReactNode; extra?: ReactNode; children: ReactNode; flush?: boolean; className?: string }): JSX.Element {
  return (
    <section className={`panel ${className}`}>
      {(title ?? extra) !== undefined && <header><h2>{title}</h2><div className="grow">{extra}</div></header>}
      {flush ? children : <div className="panel-body">{children}</div>}
    </section>
  );
}

/** Nothing is here: says what to do next. */
export function Empty({ title, text, children, icon }: { title: string; text?: ReactNode; children?: ReactNode; icon?: ReactNode }): JSX.Element {
  return (
    <div className="empty">
      {icon ?? <EmptyDrawing />}
      <h3>{title}</h3>
      {text && <p className="quiet">{text}</p>}
      {children && <div className="actions">{children}</div>}
    </div>
  );
}

function EmptyDrawing(): JSX.Element {
  return (
    <svg width="72" height="40" viewBox="0 0 72 40" fill="none" stroke="var(--faint)" strokeWidth="1.5" aria-hidden>
      <rect x="1" y="1" width="70" height="38" rx="5" strokeDasharray="3 4" />
      <path d="M10 22h14l5-10 8 18 6-12 4 4h15" stroke="var(--quiet)" strokeLinecap="round" strokeLinejoin="round" />
    </svg>
  );
}

interface Asked<T> { data: T | undefined; error: Error | null; isPending: boolean; refetch: () => unknown }

/** What a query brought: a skeleton, the problem with a retry, or the content. Old content stays while new is awaited, unless it is gone. */
export function Loaded<T>({ query, children, rows = 4 }: { query: Asked<T>; children: (data: T) => ReactNode; rows?: number }): JSX.Element {
  const gone = query.error instanceof ProblemError && query.error.problem.status === 404;
  if (query.data !== undefined && !gone) return <>{children(query.data)}</>;
  if (query.error) return <ProblemView error={query.error} retry={() => { query.refetch(); }} />;
  return <div style={{ padding: 16 }}><Skeleton active title={false} paragraph={{ rows }} /></div>;
}
