/** What the page asks the node about codes. */
import { keepPreviousData, useQuery } from "@tanstack/react-query";

import { post, type Query, request } from "../api/client";
import type { ParsedText, ReadCode } from "../api/model";

export const SYMBOLOGIES = ["qr", "data_matrix", "code_128", "gs1_qr", "gs1_data_matrix", "gs1_128"] as const;
export type Symbology = (typeof SYMBOLOGIES)[number];

export const useParsed = (text: string) =>
  useQuery({
    queryKey: ["codes", "parse", text],
    queryFn: async () => (await post<ParsedText[]>("/codes/parse", { texts: [text] }))[0] ?? null,
    enabled: text !== "",
    placeholderData: keepPreviousData,
    staleTime: Infinity,
  });

export const readPicture = (picture: Blob, signal?: AbortSignal): Promise<ReadCode[]> =>
  request<ReadCode[]>("POST", "/carriers/read", { rawBody: picture, contentType: picture.type || "image/png", ...(signal && { signal }) });

/** A file that the node makes. @throws ProblemError */
export const fileOf = (path: string, query: Query = {}, body?: unknown): Promise<Blob> =>
  request<Blob>(body === undefined ? "GET" : "POST", path, { query, body, answer: "blob" });

/** Text of a CSV file as Chinese spreadsheets write it: UTF-8 or GB 18030. */
export function textOf(content: ArrayBuffer): string {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(content);
  } catch {
    return new TextDecoder("gb18030").decode(content);
  }
}
