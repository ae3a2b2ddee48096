/** Requests to the node: one function, JSON in and out, every failure a {@link ProblemError}. */

export interface ProblemDetails {
  status: number; title: string; detail: string; code: string; hint: string; retryAfterS: number | null;
  fields: { path: string; message: string }[];
  data: Record<string, unknown>;
}

/** A failed request, in the words of the node (RFC 9457) or, when it could not be reached, in ours. */
export class ProblemError extends Error {
  constructor(readonly problem: ProblemDetails) {
    super(problem.detail || problem.title);
    this.name = "ProblemError";
  }
  get unreachable(): boolean {
    return this.problem.status === 0;
  }
  /** Somebody else changed meanwhile what this change rests on. */
  get outdated(): boolean {
    return this.problem.status === 412;
  }
}

/** What was asked takes a second person: it waits, and was not done (202). */
export class HeldError extends Error {
  constructor(readonly approvalId: string) {
    super(approvalId);
    this.name = "HeldError";
  }
}

/** The id of the request for approval that an answer is about, if it is about one. */
function heldAs(status: number, body: unknown): string | null {
  if (status !== 202 || typeof body !== "object" || body === null || !("approval" in body)) return null;
  return (body as { approval: { id: string } }).approval.id;
}

export type Query = Record<string, string | number | boolean | null | undefined | readonly (string | number)[]>;
export const API = "/api/v1";

/** What is about organisations and people themselves is not narrowed to a chosen organisation. */
const NOT_NARROWED = /^\/(organisations|approvals|invitations|people|grants|groups|roles|permissions|access|account|session|sessions|tokens|setup)\b/;
const CHOSEN = "millwright.organisation";
/** The organisation the person looks at; null: all that they see. */
export const chosenOrganisation = (): string | null => (typeof sessionStorage === "undefined" ? null : sessionStorage.getItem(CHOSEN));
export function chooseOrganisation(id: string | null): void {
  if (id === null) sessionStorage.removeItem(CHOSEN);
  else sessionStorage.setItem(CHOSEN, id);
}

/** The address of a resource; empty parameters are left out, lists are repeated. */
export function address(path: string, query: Query = {}): string {
  const parameters = new URLSearchParams();
  const chosen = chosenOrganisation();
  if (chosen !== null && !NOT_NARROWED.test(path)) parameters.set("organisation_id", chosen);
  for (const [name, value] of Object.entries(query)) {
    if (value === undefined || value === null || value === "") continue;
    for (const one of Array.isArray(value) ? (value as readonly (string | number)[]) : [value]) parameters.append(name, String(one));
  }
  const text = parameters.toString();
  return `${API}${path}${text ? `?${text}` : ""}`;
}

/** The ETag of a thing in this revision. */
export const etagOf = (thing: { revision: number }): string => `"${thing.revision}"`;

const text = (value: unknown): string => (typeof value === "string" ? value : "");

/** Reads a problem document; anything else (a proxy's page, say) still gives a readable problem. */
export function readProblem(status: number, statusText: string, body: unknown, retryAfter: string | null): ProblemDetails {
  const document = (typeof body === "object" && body !== null ? body : {}) as Record<string, unknown>;
  const listed = document["errors"];
  const fields = (Array.isArray(listed) ? (listed as unknown[]) : []).map((item) => {
    const field = (typeof item === "object" && item !== null ? item : { message: item }) as Record<string, unknown>;
    return { path: text(field["pointer"]), message: text(field["message"]) };
  });
  return {
    status,
    title: text(document["title"]) || statusText || `HTTP ${status}`,
    detail: text(document["detail"]),
    code: text(document["code"]),
    hint: text(document["hint"]),
    retryAfterS: retryAfter && /^\d+$/.test(retryAfter) ? Number(retryAfter) : null,
    fields,
    data: (document["data"] ?? {}) as Record<string, unknown>,
  };
}

type Listener = () => void;
let onSignedOut: Listener = () => undefined;
/** Called when the node answers that nobody is signed in any more. */
export const whenSignedOut = (listener: Listener): void => {
  onSignedOut = listener;
};

let onProofNeeded = (): Promise<boolean> => Promise.resolve(false);
/** Called when a change takes a fresh proof of who one is; resolves to whether it was given. */
export const whenProofNeeded = (ask: () => Promise<boolean>): void => {
  onProofNeeded = ask;
};

const SETTLING_MS = 700;
/** A proof of who one is replaces the session's secret: what was sent under the former one meanwhile is refused, and nobody was signed out. */
async function stillSignedIn(): Promise<boolean> {
  await new Promise((resolve) => { setTimeout(resolve, SETTLING_MS); });
  return fetch(`${API}/session`, { credentials: "same-origin" }).then((answer) => answer.ok, () => false);
}

interface Options { query?: Query; body?: unknown; etag?: string; signal?: AbortSignal; rawBody?: BodyInit; contentType?: string; answer?: "json" | "blob" }

/** One request; the answer's JSON, or `undefined` for an empty answer. @throws ProblemError, or HeldError when it waits for a second person */
export async function request<T>(method: string, path: string, options: Options = {}, again = false): Promise<T> {
  const headers: Record<string, string> = { Accept: options.answer === "blob" ? "*/*" : "application/json, application/problem+json" };
  if (options.body !== undefined) headers["Content-Type"] = "application/json";
  if (options.contentType) headers["Content-Type"] = options.contentType;
  if (options.etag) headers["If-Match"] = options.etag;
  let response: Response;
  try {
    response = await fetch(address(path, options.query), {
      method, headers, credentials: "same-origin", signal: options.signal ?? null,
      body: options.rawBody ?? (options.body === undefined ? null : JSON.stringify(options.body)),
    });
  } catch (error) {
    if (error instanceof DOMException && error.name === "AbortError") throw error;
    throw new ProblemError({ status: 0, title: "", detail: "", code: "console.unreachable", hint: "", retryAfterS: null, fields: [], data: {} });
  }
  if (options.answer === "blob" && response.ok) return (await response.blob()) as T;
  const body: unknown = response.status === 204 ? undefined : await response.json().catch(() => undefined);
  const held = heldAs(response.status, body);
  if (held !== null) throw new HeldError(held);
  if (response.ok) return body as T;
  const problem = readProblem(response.status, response.statusText, body, response.headers.get("Retry-After"));
  if (response.status === 401 && !path.startsWith("/session")) {
    if (!again && (await stillSignedIn())) return request<T>(method, path, options, true);
    onSignedOut();
  }
  if (problem.code === "parties.proof_required" && (await onProofNeeded())) return request<T>(method, path, options);
  throw new ProblemError(problem);
}

export const get = <T>(path: string, query?: Query, signal?: AbortSignal): Promise<T> =>
  request<T>("GET", path, { ...(query && { query }), ...(signal && { signal }) });
export const post = <T>(path: string, body?: unknown): Promise<T> => request<T>("POST", path, { body: body ?? {} });
export const patch = <T>(path: string, body: unknown, etag?: string): Promise<T> => request<T>("PATCH", path, { body, ...(etag && { etag }) });
export const put = <T>(path: string, body: unknown, etag?: string): Promise<T> => request<T>("PUT", path, { body, ...(etag && { etag }) });
export const remove = (path: string, etag?: string): Promise<unknown> => request<unknown>("DELETE", path, etag ? { etag } : {});
