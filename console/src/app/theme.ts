/** Design tokens. Calm greys carry the page; colour is kept for the accent and for what is abnormal (ISA-101). */
import { theme, type ThemeConfig } from "antd";

import type { Priority } from "../api/model";

export const FONT =
  '-apple-system, BlinkMacSystemFont, "Segoe UI", Roboto, "PingFang SC", "Hiragino Sans GB", "Microsoft YaHei", "Noto Sans CJK SC", "Noto Sans SC", "Helvetica Neue", Arial, sans-serif';
export const MONO = 'ui-monospace, "SF Mono", "Cascadia Mono", Consolas, "DejaVu Sans Mono", "Noto Sans Mono CJK SC", monospace';

export interface Palette {
  accent: string; page: string; surface: string; raised: string; line: string; text: string; quiet: string; faint: string; ok: string; warn: string;
  series: readonly string[]; priority: Record<Priority, string>;
}

/** Series colours keep their order of lightness in greyscale and differ for the common kinds of colour blindness. */
export const PALETTES: Record<"light" | "dark", Palette> = {
  light: {
    accent: "#0f6d78", page: "#f2f4f5", surface: "#ffffff", raised: "#f8fafa", line: "#dde2e5", text: "#1b2427", quiet: "#5a676c", faint: "#637077", ok: "#3f7d5c", warn: "#a35b00",
    series: ["#0f6d78", "#b35c1e", "#5560ad", "#8a7a12", "#9a3d77", "#48606a"],
    priority: { critical: "#c4161c", high: "#b84c00", medium: "#876900", low: "#6a4fb3" },
  },
  dark: {
    accent: "#4fb4bf", page: "#12181a", surface: "#1a2224", raised: "#202a2d", line: "#303c40", text: "#e4eaeb", quiet: "#a3b0b4", faint: "#84939a", ok: "#74b894", warn: "#e0a04a",
    series: ["#55bcc7", "#e59a5f", "#98a2ec", "#cdbc55", "#d987b8", "#a8bac2"],
    priority: { critical: "#ff6b66", high: "#ff9a4d", medium: "#e6c145", low: "#ab95ee" },
  },
};

export function themeOf(dark: boolean): ThemeConfig {
  const p = PALETTES[dark ? "dark" : "light"];
  return {
    algorithm: dark ? theme.darkAlgorithm : theme.defaultAlgorithm,
    token: {
      colorPrimary: dark ? "#3a9aa6" : p.accent, colorInfo: p.accent, colorLink: p.accent, colorSuccess: p.ok, colorWarning: p.warn, colorError: p.priority.critical,
      colorBgLayout: p.page, colorBgContainer: p.surface, colorBgElevated: dark ? p.raised : p.surface, colorBorderSecondary: p.line, colorText: p.text, colorTextSecondary: p.quiet,
      controlItemBgActive: dark ? "#1f3a3e" : "#e3eff0", controlItemBgActiveHover: dark ? "#25464b" : "#d8e9eb", fontFamily: FONT, fontFamilyCode: MONO, fontSize: 14, borderRadius: 6, borderRadiusLG: 8, wireframe: false, motionDurationMid: "0.12s", motionDurationSlow: "0.18s",
      boxShadowTertiary: "none",
      // What is derived from our deep colours would be muddy on white.
      ...(!dark && { colorWarningBg: "#fdf5e9", colorWarningBorder: "#ecd0a4", colorSuccessBg: "#eef6f1", colorSuccessBorder: "#b9d8c6", colorInfoBg: "#edf5f6", colorInfoBorder: "#b5d5d9", colorErrorBg: "#fdeeee", colorErrorBorder: "#efb9b9" }),
    },
    components: {
      Layout: { headerBg: p.surface, siderBg: p.surface, bodyBg: p.page, headerHeight: 56, headerPadding: "0 16px" },
      Menu: { itemBg: "transparent", itemHeight: 40, itemBorderRadius: 6, activeBarBorderWidth: 0, itemSelectedBg: dark ? "#1f3a3e" : "#e3eff0", itemSelectedColor: p.accent },
      Table: { headerBg: p.raised, headerColor: p.quiet, headerSplitColor: "transparent", cellPaddingBlock: 12, cellPaddingBlockMD: 8, rowHoverBg: p.raised },
      Segmented: { trackBg: dark ? "#263235" : "#e4e9eb" , itemSelectedBg: dark ? "#34454a" : "#ffffff" },
      Tree: { nodeSelectedBg: dark ? "#1f3a3e" : "#e3eff0", directoryNodeSelectedBg: p.raised },
      Button: { primaryShadow: "none", defaultShadow: "none", dangerShadow: "none" },
      Tag: { defaultBg: p.raised },
    },
  };
}
