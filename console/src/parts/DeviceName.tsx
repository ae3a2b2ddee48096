import { useQuery } from "@tanstack/react-query";
import type { JSX } from "react";
import { Link } from "react-router";

import { get } from "../api/client";
import type { Device } from "../api/model";

/** A device by what people call it, as a link; its identifier when it is gone. */
export function DeviceName({ id }: { id: string }): JSX.Element {
  // Under the key that the rules use too: names need no refreshing each time that a device comes or goes.
  const device = useQuery({ queryKey: ["device-names", id], queryFn: () => get<Device>(`/devices/${encodeURIComponent(id)}`), staleTime: 60_000, retry: false });
  return device.data ? <Link to={`/devices/${id}`}>{device.data.title ?? device.data.name}</Link> : <span className="mono">{id}</span>;
}
