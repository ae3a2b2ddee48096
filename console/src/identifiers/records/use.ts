/** What the pages of records ask the node. */
import { keepPreviousData, useInfiniteQuery, useQuery } from "@tanstack/react-query";

import { get, ProblemError, type Query } from "../../api/client";
import type { CheckedIdentifier, IdentifierPage, IdentifierRecord, TemplateDocument } from "../../api/identifiers";
import type { Person } from "../../api/model";
import { useList, useMay, useRights } from "../../api/queries";

export const useRecord = (identifier: string) =>
  useQuery({ queryKey: ["identifiers", "record", identifier], queryFn: ({ signal }) => get<IdentifierRecord>("/identifiers/record", { identifier }, signal), enabled: identifier !== "", retry: (n, error) => n < 2 && (!(error instanceof ProblemError) || error.unreachable) });

export const useStanding = (identifier: string) =>
  useQuery({ queryKey: ["identifiers", "check", identifier], queryFn: ({ signal }) => get<CheckedIdentifier>("/identifiers/check", { identifier }, signal), enabled: identifier !== "", retry: false });

/** The document that a record was registered by; nothing where it is not for the reader to see. */
export const useDocument = (template: { id: string; version: number } | null) =>
  useQuery({ queryKey: ["identifier-templates", "document", template?.id, template?.version], queryFn: () => get<TemplateDocument>(`/identifier-templates/${template?.id ?? ""}/document`, { version: template?.version ?? null }), enabled: template !== null, retry: false, staleTime: Infinity });

/** What a person is called who did something; the id where that is not to be seen. */
export function usePersonName(): (id: string | null | undefined) => string {
  const people = useList<Person>("/people", {}, { enabled: useMay("people:read") });
  return (id) => people.data?.find((one) => one.id === id)?.name ?? id ?? "";
}

export function useOrganisationName(): (id: string) => string {
  const rights = useRights();
  return (id) => rights.data?.organisations.find((one) => one.id === id)?.name ?? id;
}

/** What is found, page by page, with how many there are and how far behind the list is. */
export const useSearch = (query: Query) =>
  useInfiniteQuery({
    queryKey: ["identifiers", "search", query],
    queryFn: ({ pageParam, signal }) => get<IdentifierPage>("/identifiers/search", { ...query, cursor: pageParam }, signal),
    initialPageParam: null as string | null,
    getNextPageParam: (last) => last.next ?? undefined,
    placeholderData: keepPreviousData,
    refetchInterval: 15_000,
  });
