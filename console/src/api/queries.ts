/** What pages ask for, cached under keys whose first word is the resource: one change refreshes all that shows it. */
import { keepPreviousData, QueryClient, useInfiniteQuery, useMutation, type UseMutationResult, useQuery, useQueryClient } from "@tanstack/react-query";

import { get, HeldError, ProblemError, type Query } from "./client";
import type { Page, Place, Rights, Session, ThingModel } from "./model";
import { useComplain, useTellHeld } from "../parts/Problem";

export const queryClient = new QueryClient({
  defaultOptions: {
    queries: {
      staleTime: 2000,
      retry: (failures, error) => failures < 2 && (!(error instanceof ProblemError) || error.unreachable || error.problem.status >= 500),
      refetchOnWindowFocus: true,
    },
  },
});

/** Some lists come as pages, short ones as plain arrays. */
export const itemsOf = <T>(answer: Page<T> | T[]): T[] => (Array.isArray(answer) ? answer : answer.items);

export const useResource = <T>(path: string, query: Query = {}, options: { enabled?: boolean; everyMs?: number; keep?: boolean } = {}) =>
  useQuery({
    queryKey: [path.split("/")[1] ?? path, path, query],
    queryFn: ({ signal }) => get<T>(path, query, signal),
    enabled: options.enabled ?? true,
    refetchInterval: options.everyMs ?? false,
    ...(options.keep && { placeholderData: keepPreviousData }),
  });

export const useList = <T>(path: string, query: Query = {}, options: { enabled?: boolean; everyMs?: number } = {}) =>
  useQuery({
    queryKey: [path.split("/")[1] ?? path, path, "list", query],
    queryFn: async ({ signal }) => itemsOf(await get<Page<T> | T[]>(path, query, signal)),
    enabled: options.enabled ?? true,
    refetchInterval: options.everyMs ?? false,
  });

/** A list of any length, read page by page as the person asks for more. */
export const usePages = <T>(path: string, query: Query, options: { enabled?: boolean; everyMs?: number } = {}) =>
  useInfiniteQuery({
    queryKey: [path.split("/")[1] ?? path, path, "pages", query],
    queryFn: async ({ signal, pageParam }) => {
      const answer = await get<Page<T> | T[]>(path, { ...query, cursor: pageParam }, signal);
      return Array.isArray(answer) ? { items: answer, next: null } : answer;
    },
    initialPageParam: null as string | null,
    getNextPageParam: (last: Page<T>) => last.next ?? undefined,
    select: (data) => ({ items: data.pages.flatMap((page) => page.items) }),
    placeholderData: keepPreviousData,
    enabled: options.enabled ?? true,
    refetchInterval: options.everyMs ?? false,
  });

export const useSession = () => useQuery({ queryKey: ["session"], queryFn: () => get<Session>("/session"), retry: (n, e) => n < 3 && e instanceof ProblemError && e.unreachable, staleTime: 60_000 });
export const usePlaces = () => useList<Place>("/places");
export const useModels = () => useList<ThingModel>("/models");

/**
 * A change: refreshes the named resources when it succeeded, complains in the node's words when not, and says so when it
 * waits for a second person. Then `held` is called: unless given, a `done` that asks for no result, for that only closes.
 */
export function useChange<A, R>(
  change: (argument: A) => Promise<R>, resources: readonly string[], done?: (result: R, argument: A) => void,
  held: (() => void) | undefined = done?.length === 0 ? (done as () => void) : undefined,
): UseMutationResult<R, Error, A> {
  const client = useQueryClient();
  const complain = useComplain();
  const tellHeld = useTellHeld();
  return useMutation<R, Error, A>({
    mutationFn: change,
    onSuccess: (result, argument) => {
      for (const resource of resources) void client.invalidateQueries({ queryKey: [resource] });
      done?.(result, argument);
    },
    onError: (error) => {
      if (error instanceof HeldError) {
        tellHeld(error);
        void client.invalidateQueries({ queryKey: ["approvals"] });
        held?.();
        return;
      }
      complain(error);
      if (error instanceof ProblemError && error.outdated) for (const resource of resources) void client.invalidateQueries({ queryKey: [resource] });
    },
  });
}

/** What the person may do, and the organisations they see; the frame alone asks for it again and again. */
export const useRights = (everyMs?: number) => useResource<Rights>("/session/rights", {}, everyMs === undefined ? {} : { everyMs });

/** Whether the person may do one of these somewhere; the node decides in the end, this only hides what it would refuse. */
export function useMay(...permissions: string[]): boolean {
  const rights = useRights();
  return (rights.data?.permissions ?? []).some((one) => permissions.includes(one));
}
