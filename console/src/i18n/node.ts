/** What the node says in English, in the person's language where it is known by its code. */
import type { Language } from "../app/preferences";
import { usePreferences } from "../app/preferences";
import { PRESENCE as PRESENCE_EN } from "./node.en";
import { LETTERS, PRESENCE, PROBLEMS } from "./node.zh";
import { statusOf } from "./opcua";
import { SETTINGS } from "./settings.zh";

export interface NodeWords {
  /** Title and advice of a problem with this code; the node's own words where none are known. */
  problem(code: string, title: string, hint: string, data?: Record<string, unknown>): { title: string; hint: string };
  /** Why a value is not good, in the protocol's words. */
  note(text: string): string;
  /** Why a message could not be read. */
  letter(reason: string, text: string): string;
  /** Why a device came or went. */
  presence(reason: string): string;
  /** What a setting means. */
  setting(name: string, description: string): string;
}

const spoken = (words: Record<string, string>, reason: string): string => words[reason] ?? reason.replaceAll("_", " ");

const plain = (value: unknown): string => (typeof value === "object" && value !== null ? JSON.stringify(value) : String(value));

/** Sentences that are put together from what the node says besides its words; empty where it lacks what they need. */
const COMPOSED: Record<string, (data: Record<string, unknown>) => string> = {
  "commands.interlocked": (d) => {
    if (d["by"] !== undefined) return `设备已由 ${plain(d["by"])} 挂锁`;
    if (d["alarms"] !== undefined) return `联锁“${plain(d["interlock"])}”不允许：存在活动报警`;
    if (d["condition"] === undefined) return d["interlock"] === undefined ? "" : `联锁“${plain(d["interlock"])}”不允许：设备的在线状态不符`;
    return `联锁“${plain(d["interlock"])}”不允许：${plain(d["property"])} 当前${d["value"] === undefined ? "没有值" : `为 ${plain(d["value"])}（值须良好且未过期）`}，须满足 ${plain(d["condition"])}`;
  },
};

const ENGLISH: NodeWords = {
  problem: (_, title, hint) => ({ title, hint }),
  note: (text) => text,
  letter: (_, text) => text,
  presence: (reason) => spoken(PRESENCE_EN, reason),
  setting: (_, description) => description,
};

const CHINESE: NodeWords = {
  problem: (code, title, hint, data) => {
    const said = PROBLEMS[code];
    const composed = data && COMPOSED[code]?.(data);
    if (said && composed) return { title: composed, hint: said[1] ?? "" };
    const status = code.startsWith("connectors.opcua_") ? statusOf(title) : "";
    if (said && status) return { title: `${said[0].endsWith("：") ? said[0] : `${said[0]}：`}${status}`, hint: said[1] ?? "" };
    return said ? { title: said[0].endsWith("：") ? said[0] + title : said[0], hint: said[1] ?? "" } : { title, hint };
  },
  note: (text) => statusOf(text) || text,
  letter: (reason, text) => LETTERS[reason] ?? text,
  presence: (reason) => spoken(PRESENCE, reason),
  setting: (name, description) => SETTINGS[name] ?? description,
};

export const nodeWords: Record<Language, NodeWords> = { en: ENGLISH, zh: CHINESE };

/** The node's words in the chosen language. */
export const useNodeWords = (): NodeWords => nodeWords[usePreferences().language];
