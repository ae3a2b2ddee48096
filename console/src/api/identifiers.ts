/** What the API sends and takes about prefixes, templates and registered identifiers; see `model.ts`. */
import type { CodePart, ParsedText } from "./model";
import type { components } from "./schema";

type Schemas = components["schemas"];

export type PrefixInfo = Schemas["PrefixInfo"];
export type PrefixState = PrefixInfo["state"];
export type PrefixSystem = PrefixInfo["system"];
export const PREFIX_SYSTEMS = ["handle", "gs1", "oid", "did", "ma", "ecode"] as const satisfies readonly PrefixSystem[];
export const PREFIX_STATES = ["draft", "submitted", "in_review", "returned", "approved", "active", "suspended", "expired", "rejected", "withdrawn"] as const satisfies readonly PrefixState[];
export type PrefixForm = Required<Schemas["PrefixForm"]>;
export type PrefixDetail = Omit<Schemas["PrefixDetail"], "form" | "parts"> & { form: PrefixForm; parts: CodePart[] };
export type PrefixDocument = Schemas["PrefixDocument"];
export type PrefixFiling = Schemas["PrefixFiling"];
export const FILING_STATES = ["prepared", "sent", "accepted", "refused"] as const satisfies readonly PrefixFiling["state"][];
export type PrefixHandleKey = Schemas["PrefixHandleKey"];
export type PrefixHandleKeys = Schemas["PrefixHandleKeys"];
export type MadeHandleKey = Schemas["MadeHandleKey"];
export type PrefixStep = Schemas["PrefixStep"];
export type PrefixAnswer = Omit<Schemas["PrefixAnswer"], "parts"> & { parts: CodePart[] };
export type Drill = Schemas["Drill"];
export type DrillKind = Drill["kind"];
export type DrillStep = Schemas["DrillStep"];
export type DrillPage = Schemas["DrillPage"];
export type PrefixSummary = Schemas["PrefixSummary"];

/** Of fields the node leaves out what is the usual. */
export type TemplateField = Pick<Schemas["TemplateField"], "number" | "name"> & Partial<Schemas["TemplateField"]>;
export type FieldType = Schemas["TemplateField"]["type"];
export const FIELD_TYPES = ["text", "integer", "number", "boolean", "date", "datetime", "url", "enum", "quantity", "reference", "file", "geo", "json"] as const satisfies readonly FieldType[];
export type Visibility = Schemas["TemplateField"]["visibility"];
export const VISIBILITIES = ["public", "granted", "sealed"] as const satisfies readonly Visibility[];
export type TemplateDocument = Pick<Schemas["TemplateDocument"], "name"> & Partial<Omit<Schemas["TemplateDocument"], "fields">> & { fields?: TemplateField[] };
export type TemplateInfo = Omit<Schemas["TemplateInfo"], "document" | "draft"> & { document: TemplateDocument; draft: TemplateDocument | null };
export type TemplateVersion = Omit<Schemas["TemplateVersion"], "document"> & { document: TemplateDocument };
export interface ReadyTemplate { key: string; document: TemplateDocument }
/** What is wrong with a field, from the `problems` of a refusal. */
export interface FieldProblem { field: string; pointer: string; why: string; why_zh: string }

export type { ParsedText };

export interface RecordLink { linkType: string; href: string; title: string; hreflang?: string[]; type?: string; context?: string[]; fwqs?: boolean }
export type IdentifierRecord = Omit<Schemas["IdentifierRecord"], "links"> & { links: RecordLink[] };
export type IdentifierVersion = Schemas["IdentifierVersion"];
export type IdentifierVersions = Schemas["IdentifierVersions"];
export type CheckedIdentifier = Schemas["CheckedIdentifier"];
export type Revealed = Schemas["RevealedFields"];
export type NewSuffix = Schemas["NewSuffix"];
export type SuffixKind = NewSuffix["kind"];
export const SUFFIX_KINDS = ["serial", "random", "uuid", "sscc"] as const satisfies readonly SuffixKind[];

export type ImportInfo = Schemas["ImportInfo"];
export type ImportState = ImportInfo["state"];
export type ImportSettings = Schemas["ImportSettings"];
export type ImportColumn = Schemas["ImportColumn"];
export type RefusedRow = Pick<Schemas["RefusedRow"], "line" | "row" | "code" | "reason"> & Partial<Schemas["RefusedRow"]>;

export type MeasureInfo = Schemas["MeasureInfo"];
export type MeasureKind = MeasureInfo["kind"];
export type MeasureScope = MeasureInfo["scope"];
export type Severity = MeasureInfo["severity"];
export type MeasureReach = Schemas["MeasureReach"];
export const MEASURE_KINDS = ["suspend", "redirect", "announce"] as const satisfies readonly MeasureKind[];
export const MEASURE_SCOPES = ["identifier", "beginning", "prefix"] as const satisfies readonly MeasureScope[];
export const MEASURE_STATES = ["in_force", "planned", "ended", "lifted"] as const satisfies readonly MeasureInfo["state"][];
export const SEVERITIES = ["info", "warning", "danger"] as const satisfies readonly Severity[];

export type IdentifierItem = Schemas["IdentifierItem"];
export type IdentifierPage = Schemas["IdentifierPage"];
export const AMONG = ["own", "all", "public"] as const;
export type Among = (typeof AMONG)[number];

export type OperationSummary = Schemas["OperationSummary"];
export type NodeFigures = Schemas["NodeFigures"];
export type SeriesView = Schemas["SeriesView"];
export const SPANS = ["hour", "day", "month"] as const satisfies readonly SeriesView["span"][];
export type HotNames = Schemas["HotNames"];
export type MirrorView = Schemas["MirrorView"];
export type UnfiledPrefix = Schemas["UnfiledPrefix"];
/** What was counted, and beside it the threshold: numbers, and texts of what they are about. */
export type Finding = Omit<Schemas["Finding"], "evidence"> & { evidence: Record<string, number | string | string[]> };
