/** Browsers and programs as people call them, from what they say of themselves. The order matters: many claim to be others. */
const PROGRAMS: [RegExp, string][] = [
  [/MicroMessenger\//, "WeChat"], [/Edg(?:e|A|iOS)?\//, "Edge"], [/OPR\/|Opera/, "Opera"], [/SamsungBrowser\//, "Samsung Internet"], [/QQBrowser\//, "QQ"],
  [/Firefox\/|FxiOS\//, "Firefox"], [/HeadlessChrome\/|Chrome\/|CriOS\//, "Chrome"], [/Version\/.*Safari\//, "Safari"],
  [/^curl\//, "curl"], [/^python-httpx\//, "httpx"], [/^python-requests\//, "requests"],
];
const SYSTEMS: [RegExp, string][] = [[/HarmonyOS|OpenHarmony/, "HarmonyOS"], [/Android/, "Android"], [/iPhone|iPad|iPod/, "iOS"], [/Windows/, "Windows"], [/Mac OS X|Macintosh/, "macOS"], [/CrOS/, "ChromeOS"], [/Linux/, "Linux"]];

/** "Chrome · Windows", or what the program said when it is none we know, or nothing. */
export function agentName(agent: string): string {
  const found = [PROGRAMS, SYSTEMS].map((list) => list.find(([pattern]) => pattern.test(agent))?.[1]).filter(Boolean);
  return found.length ? found.join(" · ") : agent.slice(0, 60);
}
