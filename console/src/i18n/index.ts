/** Texts, numbers and times in the person's language. */
import { useMemo } from "react";

import { type Language, usePreferences } from "../app/preferences";
import { type Dictionary, en } from "./en";
import { formatter, type Formatter } from "./format";
import { zh } from "./zh";

export type { Dictionary, Formatter };
export const dictionaries: Record<Language, Dictionary> = { en, zh };
export const LOCALES: Record<Language, string> = { en: "en-GB", zh: "zh-CN" };

/** The texts of the chosen language. */
export const useText = (): Dictionary => dictionaries[usePreferences().language];

/** Formats numbers, sizes, durations and times of the chosen language. */
export function useFormat(): Formatter {
  const { language } = usePreferences();
  return useMemo(() => formatter(LOCALES[language], language), [language]);
}

/** A title in the chosen language, falling back to the other one and then to the name. */
export function useTitle(): (item: { name: string; title?: string | null; title_zh?: string | null }) => string {
  const { language } = usePreferences();
  return (item) => (language === "zh" ? (item.title_zh ?? item.title) : item.title) ?? item.name;
}

/** The alarm's or rule's message in the chosen language. */
export function useMessage(): (item: { message: string; message_zh?: string | null }) => string {
  const { language } = usePreferences();
  return (item) => (language === "zh" && item.message_zh) || item.message;
}
