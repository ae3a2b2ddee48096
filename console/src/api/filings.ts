/** What the API sends and takes about filings with nodes above and below; see `model.ts`. */
import type { components } from "./schema";

type Schemas = components["schemas"];

export type SignedStep = Schemas["SignedStep"];
export type FilingProblem = Schemas["FilingProblem"];
export type SentFiling = Schemas["SentFiling"];
export type SentState = SentFiling["state"];
export const SENT_STATES = ["waiting", "received", "accepted", "refused", "failed"] as const satisfies readonly SentState[];
export type ReceivedFiling = Schemas["ReceivedFiling"];
export type ReceivedState = ReceivedFiling["state"];
export const RECEIVED_STATES = ["received", "in_review", "accepted", "refused"] as const satisfies readonly ReceivedState[];
/** What a filing says, as it was signed. */
export interface FiledFacts { node: string; credit_code?: string; contact?: { name?: string; telephone?: string; email?: string }; industry?: string; use?: string; granted_ms?: number | null; until_ms?: number | null; certified_by?: string; certification_number?: string; documents?: { name: string; digest: string }[]; filing_id: string }
export type ReceivedDetail = Omit<Schemas["ReceivedDetail"], "filing"> & { filing: Partial<FiledFacts> };
export type UpperNode = Schemas["UpperNode"];
export type UpperCheck = Schemas["UpperCheck"];
export type NewUpperNode = Required<Schemas["NewUpperNode"]>;
export type Filer = Schemas["Filer"];
export type MadeFiler = Schemas["MadeFiler"];
export type Policy = Filer["policy"];
export type ReportView = Schemas["ReportView"];
export type ReportSent = Schemas["ReportSent"];
