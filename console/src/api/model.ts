/**
 * What the API sends and takes, as the node's own description says (`schema.d.ts` is generated from `openapi.json`).
 * Times are UTC milliseconds named `…_ms`.
 */
import type { components } from "./schema";

type Schemas = components["schemas"];
/** Fields that the node fills with a default are always there when it answers. */
type Sent<T> = T extends (infer I)[] ? Sent<I>[] : T extends object ? { [K in keyof T]-?: Sent<Exclude<T[K], undefined>> } : T;

export interface Page<T> { items: T[]; next: string | null }

export type Session = Sent<Schemas["Session"]>;
export type Person = Sent<Schemas["Account"]>;
export type Role = Person["roles"][number];
export type SessionInfo = Sent<Schemas["SessionInfo"]>;
export type Rights = Sent<Schemas["Rights"]>;
export type Approval = Sent<Schemas["Approval"]>;
export type ApprovalDetail = Sent<Schemas["ApprovalDetail"]>;
export type ApprovalSummary = Sent<Schemas["ApprovalSummary"]>;
export type ApprovalAction = Sent<Schemas["NameableAction"]>;
export type ApprovalPolicy = Sent<Schemas["ApprovalPolicy"]>;
export type ApprovalAnswer = Sent<Schemas["ApprovalAnswer"]>;
export type Organisation = Sent<Schemas["Organisation"]>;
export type OrganisationKind = Organisation["kind"];
/** The built-in roles, highest first. */
export const ROLES = ["administrator", "engineer", "operator", "viewer", "auditor"] as const satisfies readonly Role[];
export const ORGANISATION_KINDS = ["province", "city", "park", "industry", "enterprise", "site", "department"] as const satisfies readonly OrganisationKind[];
export type Member = Sent<Schemas["Member"]>;
export type Grant = Sent<Schemas["Grant"]>;
export type GrantedRole = Sent<Schemas["RoleInfo"]>;
export type Group = Sent<Schemas["Group"]>;
export type Consent = Sent<Schemas["Consent"]>;
export type Invitation = Sent<Schemas["Invitation"]>;
export type MadeInvitation = Sent<Schemas["MadeInvitation"]>;
export type Permission = Sent<Schemas["PermissionInfo"]>;
export type Reach = Sent<Schemas["Reach"]>;
export type Explanation = Sent<Schemas["Explanation"]>;
export type Token = Sent<Schemas["TokenInfo"]> & { token?: string };

export type Ways = Sent<Schemas["Ways"]>;
export type Passkey = Sent<Schemas["Passkey"]>;
export type Challenge = Schemas["Challenge"];
export type SecondFactor = Sent<Schemas["SecondFactorState"]>;
export type Enrolment = Schemas["Enrolment"];
export type RecoveryCodes = Schemas["RecoveryCodes"];
export type Identity = Sent<Schemas["Identity"]>;

export type Edge = Sent<Schemas["Edge"]>;
export type EdgeRelease = Sent<Schemas["Release"]>;
export type EdgeRollout = Sent<Schemas["Rollout"]>;
export type UpgradeStatus = Sent<Schemas["UpgradeStatus"]>;
export type EdgeEnrolled = Sent<Schemas["EdgeEnrolled"]>;
export type EdgeEnrolment = Sent<Schemas["EdgeEnrolment"]>;

export type SiteNetwork = Sent<Schemas["SiteNetwork"]>;
export type SiteDetail = Sent<Schemas["SiteDetail"]>;
export type NetworkReport = NonNullable<SiteDetail["report"]>;
export type SiteLink = NetworkReport["links"][number];
export type NetworkFinding = NetworkReport["findings"][number];
export type NetworkInterface = NetworkReport["interfaces"][number];
export type NetworkNeighbour = NetworkReport["neighbours"][number];
export type SpokenProtocol = NetworkReport["protocols"][number];
export type NetworkScan = NonNullable<NetworkReport["scan"]>;

export type Place = Sent<Schemas["Place"]>;
export type PlaceLevel = Place["level"];
export const PLACE_LEVELS = ["enterprise", "site", "area", "line", "cell", "unit"] as const satisfies readonly PlaceLevel[];

export type ThingModel = Sent<Schemas["Model"]>;
export type ModelProperty = Schemas["PropertySpec"];
export type PropertyType = Sent<ModelProperty>["type"];
export const PROPERTY_TYPES = ["number", "integer", "boolean", "string"] as const satisfies readonly PropertyType[];

export type ConnectorKind = Sent<Schemas["KindView"]>;
export type ConnectorKinds = Sent<Schemas["Kinds"]>;
export type KindField = ConnectorKind["fields"][number];
export type FieldConnection = Sent<Schemas["FieldConnection"]>;
export type ConnectionHealth = Sent<Schemas["ConnectionHealth"]>;
export type ConnectionTest = Sent<Schemas["Tested"]>;
export type PeerNode = Sent<Schemas["Node"]>;
export type PeerNodePage = Sent<Schemas["NodePage"]>;
export type FieldPoint = Sent<Schemas["PointView"]>;
export type ReadValue = Sent<Schemas["ReadValue"]>;
export type WebhookDelivery = Sent<Schemas["WebhookDelivery"]>;
export type LivePoint = Sent<Schemas["LiveValue"]>;
export type FoundPeer = Sent<Schemas["FoundPeer"]>;
export type PointReport = Sent<Schemas["PointReport"]>;
export type MappedThing = Sent<Schemas["Thing"]>;
export type NewTag = Pick<Schemas["Tag"], "address"> & Partial<Schemas["Tag"]>;

export type Device = Sent<Schemas["Device"]>;
export type Presence = Device["presence"];
export type PresenceEvent = Sent<Schemas["PresenceEvent"]>;
export type DeviceProperty = Sent<Schemas["DeviceProperty"]>;
export type Latest = NonNullable<DeviceProperty["latest"]>;
export type Value = number | boolean | string | null;
/** Where devices connect. */
export type Listener = Sent<Schemas["Connection"]>;
export type Credential = Sent<Schemas["Credential"]>;
export type IssuedCredential = Sent<Schemas["Issued"]>;
export type VehicleAccess = Sent<Schemas["VehicleAccess"]>;
export type VehicleTerminal = Sent<Schemas["TerminalState"]>;
export type VehiclePlatform = Sent<Schemas["PlatformState"]>;
export type VehicleForward = VehicleAccess["forwards"][number];
export type TerminalReport = Sent<Schemas["TerminalReport"]>;
export type Certificate = Sent<Schemas["Certificate"]>;
export type IssuedCertificate = Sent<Schemas["IssuedCertificate"]>;
export type EnrolmentCode = Sent<Schemas["EnrolmentCode"]>;
export type Authority = Sent<Schemas["Authority"]>;
export type ImportReport = Sent<Schemas["ImportReport"]>;
export type Arrival = Sent<Schemas["Arrival"]>;

/** As much of a property's buckets as is drawn; the aggregates that were asked for are there. */
export type BucketSeries = Pick<Schemas["BucketColumns"], "property" | "unit" | "time_ms" | "min" | "max" | "mean">;
export type Buckets = Omit<Sent<Schemas["Buckets"]>, "series"> & { series: BucketSeries[] };

export type Alarm = Sent<Schemas["Alarm"]>;
export type AlarmDetail = Sent<Schemas["AlarmDetail"]>;
export type AlarmState = Alarm["state"];
export type Evidence = Sent<Schemas["Evidence"]>;
export type Priority = Alarm["priority"];
export const PRIORITIES = ["critical", "high", "medium", "low"] as const satisfies readonly Priority[];
export const ALARM_STATES = ["unacknowledged", "acknowledged", "returned_unacknowledged", "normal"] as const satisfies readonly AlarmState[];

export type Command = Sent<Schemas["Command"]>;
export type CommandDetail = Sent<Schemas["CommandDetail"]>;
export type Interlock = Sent<Schemas["Interlock"]>;
export type InterlockCondition = Interlock["conditions"][number];
export type Lock = Sent<Schemas["Lock"]>;
export type ModelService = Schemas["ServiceSpec"];
export type Rule = Sent<Schemas["Rule"]>;
export type RuleDraft = Omit<Rule, "id" | "revision" | "created_ms" | "updated_ms" | "organisation_id">;
export type Condition = Rule["condition"];
export type Rehearsal = Sent<Schemas["Rehearsal"]>;

export type RetentionPolicy = Sent<Schemas["RetentionPolicy"]>;
export type RetentionPreview = Sent<Schemas["RetentionPreview"]>;

export type DeadLetter = Sent<Schemas["Letter"]>;
export type WholeLetter = Sent<Schemas["WholeLetter"]>;
export type LetterSummary = Sent<Schemas["Summary"]>;

export type LedgerEntry = Sent<Schemas["Entry"]>;
export type Proof = Sent<Schemas["Proof"]>;

export type Overview = Sent<Schemas["Overview"]>;
export type SystemState = Sent<Schemas["System"]>;
export type RoleStats = SystemState["roles"][number];
export type Problem = SystemState["problems"][number];

export type Usage = Sent<Schemas["Usage"]>;
export type MeterUsage = Usage["meters"][number];
export type QuotaView = Usage["quotas"][number];
export type OrganisationUsage = Omit<Usage["organisations"][number], "used"> & { used: Record<string, number | undefined> };
export type Meter = Sent<Schemas["MeterView"]>;
export type Plan = Sent<Schemas["Plan"]>;
export type PlanDocument = Plan["document"];
export type Subscription = Sent<Schemas["Subscription"]>;
export type Limits = Sent<Schemas["Limits"]>;
export type Statement = Sent<Schemas["Statement"]>;
export type StatementInfo = Sent<Schemas["StatementInfo"]>;
export type Verification = Sent<Schemas["Verification"]>;

export type CodeSystem = Sent<Schemas["SystemView"]>;
/** Of codes and their parts the node leaves out what is empty, zero or the usual. */
export type CodePart = Pick<Schemas["Part"], "name" | "value" | "label" | "label_zh"> & Partial<Schemas["Part"]>;
export type Code = Pick<Schemas["Code"], "system" | "kind" | "text" | "canonical"> & Partial<Omit<Schemas["Code"], "parts">> & { parts?: CodePart[] };
export type Refusal = Pick<Schemas["Refusal"], "system" | "at" | "why"> & Partial<Schemas["Refusal"]>;
export type CodeProblem = Omit<Sent<Schemas["CodeProblem"]>, "tried"> & { tried: Refusal[] };
export type ParsedText = Omit<Sent<Schemas["ParsedText"]>, "code" | "problem"> & { code: Code | null; problem: CodeProblem | null };
export interface ReadCode { carrier: Schemas["Found"]; parsed: ParsedText }
