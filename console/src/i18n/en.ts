/** The English texts; also the shape every other language must fill. A function is a text with values in it. */
const plural = (n: number, one: string, many: string): string => `${n.toLocaleString("en")} ${n === 1 ? one : many}`;

export const en = {
  brand: { name: "Millwright", tagline: "Devices connect. History is kept. Alarms are true." },
  nav: {
    overview: "Overview", devices: "Devices", models: "Models", places: "Places", alarms: "Alarms", rules: "Rules",
    deadLetters: "Dead letters", system: "System", people: "People", account: "My account", menu: "Menu", skip: "Skip to content",
  },
  common: {
    save: "Save", cancel: "Cancel", create: "Create", add: "Add", edit: "Edit", delete: "Delete", close: "Close", retry: "Try again", copy: "Copy",
    copied: "Copied", download: "Download", search: "Search", next: "Next", back: "Back", done: "Done", loadMore: "Load more", all: "All",
    any: "Any", none: "None", yes: "Yes", no: "No", name: "Name", title: "Title", status: "Status", actions: "Actions", created: "Created", details: "Details",
    unknown: "Unknown", optional: "optional", never: "never", now: "now", required: "This is required", language: "Language", appearance: "Appearance",
    light: "Light", dark: "Dark", system: "System", on: "On", off: "Off", saved: "Saved", deleted: "Deleted", noData: "No data", refresh: "Refresh",
    loading: "Loading…", showing: (n: number) => `${plural(n, "entry", "entries")} shown`, ago: (text: string) => `${text} ago`, more: "More",
  },
  problem: {
    failed: "This did not work", unreachable: "The node cannot be reached", unreachableHint: "Check that it is running and that this machine is on its network. The page tries again by itself.",
    denied: "You may not do this", deniedHint: "Ask an administrator for a role that may.", retryIn: (s: number) => `Try again in ${plural(s, "second", "seconds")}.`,
    crashed: "This page failed to draw", crashedHint: "Reload it. If it happens again, report it with the text below.", reload: "Reload", notFound: "There is no such page",
    notFoundHint: "The address may be mistyped, or what it showed was deleted.", home: "Go to the overview", code: "Code",
  },
  live: { open: "Live", connecting: "Connecting…", lost: "Live data lost, reconnecting…", idle: "Paused" },
  session: {
    setupTitle: "Set up this node", setupText: "Make the first administrator. Everyone else is added later, under People.", setupCode: "Set-up code",
    setupCodeHint: "It was printed where the node was started.", name: "User name", password: "Password", repeat: "Repeat password", passwordHint: "At least 10 characters. A sentence is easy to keep and hard to guess.",
    passwordShort: "At least 10 characters", mismatch: "The two passwords differ", setupSubmit: "Create administrator", signIn: "Sign in", signOut: "Sign out", signInTitle: "Sign in to the node",
    wrong: "Name or password is wrong", signedOut: "Your session has ended. Sign in again.",
  },
  overview: {
    title: "Overview", rates: "Intake", messages: "messages/s", points: "points/s", window: "last 10 minutes", devices: "Devices", online: "Online", offline: "Offline", neverSeen: "Never connected",
    alarms: "Active alarms", unacknowledged: (n: number) => `${n} unacknowledged`, calm: "No active alarms", calmText: "Everything that has a rule is inside its limits.", newest: "Newest", allAlarms: "All alarms",
    deadLetters: "Dead letters", deadLettersNone: "Everything received could be read", deadLettersSome: "messages could not be read", arrivals: "New arrivals", arrivalsNone: "Nobody unknown is knocking", arrivalsSome: "unknown devices asked to connect",
    storage: "Storage", stored: "points kept", diskFree: (free: string, total: string) => `${free} free of ${total}`, bytesPerPoint: (b: string) => `${b} bytes a point`, problems: "What is wrong", noProblems: "All parts are running", noProblemsText: "No part of the node reports a problem.",
    welcome: "Connect the first device", welcomeText: "A device needs a name and a token. The wizard makes both and shows the command that sends its first value.", lost: (n: number) => `${plural(n, "part", "parts")} not running`,
  },
  devices: {
    title: "Devices", places: "Places", allPlaces: "All places", add: "New device", import: "Import", export: "Export", arrivals: "Arrivals", list: "Devices", searchHint: "Name, title or tag", device: "Device", place: "Place", model: "Model", tags: "Tags", lastSeen: "Last seen", kind: "Kind",
    online: "Online", offline: "Offline", never: "Never connected", disabled: "Disabled", count: (n: number) => plural(n, "device", "devices"), empty: "No devices yet", emptyText: "Make one and send it a value from a terminal: it takes a minute.", noMatch: "No device matches", noMatchText: "Change the search or clear the filters.", clear: "Clear filters",
    kinds: { device: "Device", sparkplug_edge: "Sparkplug edge node", sparkplug_device: "Sparkplug device" }, showPlaces: "Choose place", alarmsActive: (n: number) => plural(n, "active alarm", "active alarms"),
    sinceOnline: (text: string) => `Online for ${text}`, sinceOffline: (text: string) => `Offline for ${text}`,
  },
  wizard: {
    title: "New device", describe: "Describe", connect: "Connect", nameHint: "Letters, digits, dot, dash and underscore, as on the nameplate. It is also its MQTT user name.", namePattern: "Letters, digits, . - _ only, up to 128", titleHint: "What people call it", noModel: "No model: take what it sends", noPlace: "No place yet",
    sparkplug: "Speaks Sparkplug B", group: "Group", edgeNode: "Edge node", sparkplugDevice: "Device (empty for the edge node itself)", submit: "Create and show token", token: "Access token", tokenOnce: "It is shown this once. The node keeps only its hash.", host: "Host", port: "Port", waiting: "Waiting for the first message…", waitingHint: "Run the command in a terminal. This turns green as soon as the value is stored.",
    arrived: "The first message has arrived", arrivedText: (property: string, value: string) => `${property} = ${value}`, open: "Open the device", skip: "Open without waiting", user: "User name", emptyPassword: "leave the password empty", topic: "Topic",
  },
  import: {
    title: "Import devices", text: "A CSV file with a header row. Only name is required.", columns: "Columns: name, title, model (its name), place (its path), tags (separated by ;)", choose: "Choose or drop a CSV file", template: "Download a template", created: (n: number) => `${plural(n, "device", "devices")} created`, refused: (n: number) => `${plural(n, "row", "rows")} refused`,
    row: "Row", reason: "Reason", rows: (n: number) => plural(n, "row", "rows"), submit: "Import", noName: "The file has no column called name", report: "Download the refused rows", empty: "The file has no rows",
  },
  arrivals: {
    title: "Arrivals", text: "Devices that tried to connect and are not known here.", empty: "Nobody unknown has knocked", emptyText: "A device that connects with a credential the node does not know is listed here, to be adopted with one click.", adopt: "Adopt", discard: "Discard", firstSeen: "First seen", attempts: "Attempts", from: "From", username: "User name", asName: "Name here", known: "A registered device has this user name, but came with another password. Adopting accepts the new password.", adopted: "Adopted", topic: "Topic",
  },
  device: {
    overview: "Values", trend: "Trend", alarms: "Alarms", rules: "Rules", connection: "Connection", about: "About", properties: "Properties", unknownProperty: "Not in the model", unknownHint: "The device sends it, but its model does not name it.", quality: { good: "Good", uncertain: "Uncertain", bad: "Bad" }, noProperties: "No values yet", noPropertiesText: "Send one with the token of this device; its properties appear by themselves.",
    addToTrend: "Show in trend", alarmWhen: "Alarm when…", edit: "Edit device", disable: "Disable", enable: "Enable", disableConfirm: "Disable this device? It is disconnected and may not send.", deleteConfirm: "Delete this device?", deleteText: "Its credentials stop working at once. Its history stays until retention removes it.", credentials: "Credentials", newCredential: "New credential", credentialEmpty: "No credential: without a certificate this device cannot connect.",
    revoke: "Revoke", revokeConfirm: "Revoke this credential?", revokeText: "A device that uses it is disconnected at once and cannot come back with it.", lastUsed: "Last used", noModel: "No model", noPlace: "No place", revision: "Revision", identifier: "Identifier", presence: "Presence", presenceHistory: "Comings and goings", since: "Since", reason: "Reason", children: "Devices behind this edge node", sparkplug: "Sparkplug B", noRules: "No rule watches this device", noRulesText: "Choose “Alarm when…” on a value to make one.", noAlarms: "No alarms of this device", outOfRange: "Out of range", changed: "Somebody else changed it meanwhile", changedText: "The newer state was loaded. Make your change again.", stale: (text: string) => `${text} old`, connect: "How to connect", filter: "Filter properties",
  },
  trend: {
    title: "Trend", choose: "Choose up to 6 properties", follow: "Follow live", following: "Following", paused: "Paused", ranges: { m15: "15 min", h1: "1 h", h8: "8 h", d1: "1 day", d7: "7 days", d30: "30 days", y1: "1 year" }, zoomIn: "Zoom in", zoomOut: "Zoom out", earlier: "Earlier", later: "Later", export: "Export CSV", exportRaw: (p: string) => `Every reading of ${p}`, exportDrawn: "What is drawn (min, mean, max)", range: "Range", custom: "Custom range", from: "From", to: "To", apply: "Apply",
    empty: "Nothing was recorded in this range", emptyText: "Choose another range, or another property.", choosePrompt: "Choose a property to draw it", min: "min", max: "max", mean: "mean", perBucket: (w: string) => `one point per ${w}`, band: "line: mean · band: min to max", readings: (n: string) => `${n} points`, help: "Drag to move, wheel or pinch to zoom", notNumeric: "Text cannot be drawn",
  },
  models: {
    title: "Models", add: "New model", empty: "No models yet", emptyText: "A model names the properties of a kind of device, with unit and range. Devices work without one.", properties: "Properties", property: "Property", type: "Type", unit: "Unit", unitHint: "UCUM, e.g. Cel, kPa, m3/h", minimum: "Minimum", maximum: "Maximum", writable: "Writable", titleEn: "Title", titleZh: "Chinese title", form: "Form", json: "JSON", version: (n: number) => `Version ${n}`, versions: "Versions", newVersion: "Save as a new version", addProperty: "Add property", deleteConfirm: "Delete this model and all its versions?", types: { number: "Number", integer: "Integer", boolean: "Yes/No", string: "Text" },
    jsonInvalid: (why: string) => `Not valid JSON: ${why}`, count: (n: number) => plural(n, "property", "properties"), events: "Events", services: "Services", current: "current", duplicate: "This name is used twice", viewing: (n: number) => `You are looking at version ${n}, which is not the newest.`,
  },
  places: {
    title: "Places", add: "New place", under: (name: string) => `Under ${name}`, empty: "No places yet", emptyText: "Lay out the plant from enterprise down to cell (ISA-95), so that devices are found where they stand.", level: "Level", parent: "Belongs to", top: "Top", deleteConfirm: "Delete this place?", rename: "Rename", hasDevices: "It still has devices; move them first.", levels: { enterprise: "Enterprise", site: "Site", area: "Area", line: "Line", cell: "Cell", unit: "Unit" }, addChild: "Add a place inside",
  },
  alarms: {
    title: "Alarms", active: "Active", history: "All", priority: "Priority", state: "State", device: "Device", raised: "Raised", returned: "Returned", message: "Message", value: "Value", limit: "Limit", acknowledge: "Acknowledge", acknowledgeN: (n: number) => `Acknowledge ${n}`, acknowledged: (n: number) => `${plural(n, "alarm", "alarms")} acknowledged`, acknowledgedBy: (who: string, when: string) => `Acknowledged by ${who}, ${when}`, comment: "Comment", commentHint: "What you saw and did (optional)", addComment: "Add comment", evidence: "Evidence", evidenceText: "Readings around the alarm", entries: "History and comments", empty: "No active alarms", emptyText: "Everything that has a rule is inside its limits.", emptyAll: "No alarm matches", occurrences: (n: number) => `${n}×`, count: (n: number) => plural(n, "alarm", "alarms"), sound: "Sound", selected: (n: number) => `${n} selected`, duration: "Lasted", raisedMark: "Raised", returnedMark: "Returned", high: "High limit", low: "Low limit", noRule: "No rules yet", noRuleText: "An alarm needs a rule: a limit, a rate of change, or silence.", newRule: "New rule",
    priorities: { critical: "Critical", high: "High", medium: "Medium", low: "Low" }, states: { unacknowledged: "Unacknowledged", acknowledged: "Acknowledged", returned_unacknowledged: "Returned, unacknowledged", normal: "Normal" },
    kinds: { raised: "Raised", returned: "Returned to normal", acknowledged: "Acknowledged", comment: "Comment" },
  },
  rules: {
    title: "Rules", add: "New rule", edit: "Edit rule", empty: "No rules yet", emptyText: "A rule says which value is abnormal, for how long, and how urgent that is.", name: "Name", enabled: "On", scope: "Watches", oneDevice: "One device", wholeModel: "All devices of a model", property: "Property", condition: "Condition", kinds: { limit: "Limit", rate_of_change: "Rate of change", stale: "Silence" }, high: "High limit", low: "Low limit", deadband: "Deadband", deadbandHint: "How far inside the limit a value must come back before the alarm returns", onDelay: "On delay", offDelay: "Off delay", onDelayHint: "How long the value must stay outside", offDelayHint: "How long it must stay back inside", perSecond: "Change per second", window: "Over", direction: "Direction", directions: { both: "Either way", rising: "Rising", falling: "Falling" }, after: "No reading for", priority: "Priority", message: "Message in English", messageZh: "Message in Chinese", messageHint: "What the operator reads, best with what to do", preview: "In plain words", test: "Try on history", testText: (n: number) => `It would have raised ${plural(n, "alarm", "alarms")}`, testNone: "It would have raised no alarm", testRange: "in the last 24 hours", needLimit: "Give a high limit, a low limit or both", deleteConfirm: "Delete this rule?", deleteText: "Its active alarms return to normal. Their history stays.", seconds: "s", forDevice: "for this device", lowHigh: "The low limit must be below the high limit",
  },
  /** Words of the rule preview, put together by `rules/sentence.ts`. */
  sentence: {
    raise: (priority: string, when: string, lasting: string, clears: string) => `Raise a ${priority} alarm when ${when}${lasting}${clears}.`, priorities: { critical: "critical", high: "high-priority", medium: "medium-priority", low: "low-priority" },
    above: (p: string, v: string) => `${p} rises above ${v}`, below: (p: string, v: string) => `${p} falls below ${v}`, outside: (p: string, l: string, h: string) => `${p} leaves ${l} to ${h}`, staysAbove: (p: string, v: string) => `${p} stays above ${v}`, staysBelow: (p: string, v: string) => `${p} stays below ${v}`, staysOutside: (p: string, l: string, h: string) => `${p} stays outside ${l} to ${h}`, lasting: (t: string) => ` for ${t}`,
    clearsAbove: (v: string) => `; clears above ${v}`, clearsBelow: (v: string) => `; clears below ${v}`, clearsInside: (l: string, h: string) => `; clears between ${l} and ${h}`, clearsAfter: (t: string) => ` after ${t}`, clearsBack: "; clears once back inside", rising: (p: string, v: string, w: string) => `${p} rises faster than ${v} per second over ${w}`, falling: (p: string, v: string, w: string) => `${p} falls faster than ${v} per second over ${w}`, rate: (p: string, v: string, w: string) => `${p} changes faster than ${v} per second over ${w}`, stale: (p: string, t: string) => `${p} has sent nothing for ${t}`, aProperty: "the property",
  },
  deadLetters: {
    title: "Dead letters", text: "Messages that were received and could not be read. They are kept until replayed or discarded.", empty: "No dead letters", emptyText: "Every message received could be read.", reason: "Reason", topic: "Topic", received: "Received", payload: "Payload", size: "Size", replay: "Replay", discard: "Discard", replayAll: "Replay all", discardConfirm: (n: number) => `Discard ${plural(n, "message", "messages")}?`, discardText: "This cannot be undone.", replayed: (n: number) => `${plural(n, "message", "messages")} replayed`, discarded: (n: number) => `${plural(n, "message", "messages")} discarded`, hex: "Hex", asText: "Text", json: "JSON", selected: (n: number) => `${n} selected`,
  },
  system: {
    title: "System", roles: "Parts", streams: "Streams", disk: "Disk", problems: "Problems", settings: "Settings", role: "Part", state: "State", cpu: "CPU", memory: "Memory", uptime: "Running for", rate: "Rates", process: "Process", noProblems: "No problems", states: { running: "Running", starting: "Starting", restarting: "Restarting", lost: "Lost" }, messages: "Messages", size: "Size", limit: "Limit", setting: "Setting", value: "Value", version: "Version", since: "Since", lag: (n: string) => `${n} waiting`, metrics: "Prometheus metrics", openapi: "OpenAPI description", roleNames: { web: "Web", listener: "MQTT listener", historian: "Historian", nats: "Message broker", "nats-server": "Message broker", supervisor: "Supervisor" } as Record<string, string>,
  },
  certificates: {
    title: "Certificates", issue: "Issue a certificate", code: "One-time code", empty: "No certificate", emptyText: "With one the device signs in over TLS without a token. Its key never leaves it.", fingerprint: "Fingerprint", until: "Valid until", origin: "Issued by", origins: { console: "a person", token: "its token", code: "a one-time code", renewal: "its certificate", node: "the node" }, states: { valid: "Valid", expired: "Expired", revoked: "Revoked" }, download: "Download", revokeConfirm: "Revoke this certificate?", revokeText: "The device that uses it is disconnected within seconds. There is no way back: it needs a new one.",
    codeText: (when: string) => `The device gets its first certificate with it, once, until ${when}. Copy it now: it is not shown again.`, request: "Certificate request", requestText: "Make a key and a request on the device, and paste the request here.", choose: "Choose a file", issued: "The certificate is issued. The file holds it and the authorities above it.",
    authority: "Certificate authority", active: "In use", imported: "Imported", role: "Role", roles: { root: "Root", issuing: "Issuing" }, issuedCount: "Issued / revoked", crl: "Revocation list", noAuthority: "No authority yet", noAuthorityText: "It is made with the first certificate, or imported.", make: "New authority", makeConfirm: "Sign with a new authority from now on?", makeText: "Certificates issued before stay valid. Devices that trust the root go on.", import: "Import an authority", importText: "An authority of your own signs from then on. Its key is kept sealed and never shown again.", chain: "Certificate, with those above it behind it (PEM)", key: "Private key (PEM)", keyPassword: "Password of the key, if it has one",
    revokedList: "Revoked", subject: "Of", serial: "Serial number", revokedAt: "Revoked", reasons: { unspecified: "Not stated", key_compromise: "Key compromised", superseded: "Superseded", cessation_of_operation: "Taken out of use", affiliation_changed: "Changed hands" },
  },
  people: {
    title: "People", add: "New person", roles: "Roles", roleNames: { administrator: "Administrator", engineer: "Engineer", operator: "Operator", viewer: "Viewer" }, roleHints: { administrator: "everything", engineer: "devices, models, rules", operator: "acknowledge and comment", viewer: "look only" }, disable: "Disable", enable: "Enable", disableConfirm: "Disable this person? Their sessions end at once.", password: "Password", oldPassword: "Present password", newPassword: "New password", changePassword: "Change password", passwordChanged: "Password changed", tokens: "API tokens", tokensText: "For scripts and other systems: send it as “Authorization: Bearer …”. It has your roles.", newToken: "New token", noTokens: "No tokens", tokenOnce: "Copy it now: it is not shown again.", revoke: "Revoke", revokeConfirm: "Revoke this token? What uses it stops working.", you: "you", disabled: "Disabled", active: "Active", firstPassword: "First password", account: "My account", lastUsed: "Last used", expires: "Expires",
  },
  help: { title: "Keyboard", search: "Search", overview: "Overview", devices: "Devices", alarms: "Alarms", help: "This help", then: "then", rules: "Rules", system: "System" },
  quality: { 192: "Good", 64: "Uncertain", 0: "Bad" } as Record<number, string>,
};

export type Dictionary = typeof en;
