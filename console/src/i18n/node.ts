/** What the node says in English, in the person's language where it is known by its code. */
import type { Language } from "../app/preferences";
import { usePreferences } from "../app/preferences";
import { PRESENCE as PRESENCE_EN } from "./node.en";
import { LETTERS, PRESENCE, PROBLEMS } from "./node.zh";
import { SETTINGS } from "./settings.zh";

export interface NodeWords {
  /** Title and advice of a problem with this code; the node's own words where none are known. */
  problem(code: string, title: string, hint: string): { title: string; hint: string };
  /** Why a message could not be read. */
  letter(reason: string, text: string): string;
  /** Why a device came or went. */
  presence(reason: string): string;
  /** What a setting means. */
  setting(name: string, description: string): string;
}

const spoken = (words: Record<string, string>, reason: string): string => words[reason] ?? reason.replaceAll("_", " ");

const ENGLISH: NodeWords = {
  problem: (_, title, hint) => ({ title, hint }),
  letter: (_, text) => text,
  presence: (reason) => spoken(PRESENCE_EN, reason),
  setting: (_, description) => description,
};

const CHINESE: NodeWords = {
  problem: (code, title, hint) => {
    const said = PROBLEMS[code];
    return said ? { title: said[0].endsWith("：") ? said[0] + title : said[0], hint: said[1] ?? "" } : { title, hint };
  },
  letter: (reason, text) => LETTERS[reason] ?? text,
  presence: (reason) => spoken(PRESENCE, reason),
  setting: (name, description) => SETTINGS[name] ?? description,
};

export const nodeWords: Record<Language, NodeWords> = { en: ENGLISH, zh: CHINESE };

/** The node's words in the chosen language. */
export const useNodeWords = (): NodeWords => nodeWords[usePreferences().language];
