import { QueryClientProvider } from "@tanstack/react-query";
import { App as AntApp, ConfigProvider } from "antd";
import enLocale from "antd/locale/en_GB";
import zhLocale from "antd/locale/zh_CN";
import { type JSX, useEffect } from "react";
import { RouterProvider } from "react-router";

import { queryClient } from "../api/queries";
import { useDark, usePreferences } from "./preferences";
import { router } from "./routes";
import { PALETTES, themeOf } from "./theme";

export function App(): JSX.Element {
  const { language } = usePreferences();
  const dark = useDark();
  useEffect(() => {
    const root = document.documentElement;
    root.lang = language === "zh" ? "zh-CN" : "en";
    root.dataset["theme"] = dark ? "dark" : "light";
    let meta = document.querySelector<HTMLMetaElement>('meta[name="theme-color"]');
    if (!meta) {
      meta = document.createElement("meta");
      meta.name = "theme-color";
      document.head.append(meta);
    }
    meta.content = PALETTES[dark ? "dark" : "light"].surface;
  }, [language, dark]);
  return (
    <ConfigProvider locale={language === "zh" ? zhLocale : enLocale} theme={themeOf(dark)} button={{ autoInsertSpace: false }} form={{ requiredMark: "optional" }}>
      <AntApp>
        <QueryClientProvider client={queryClient}>
          <RouterProvider router={router} />
        </QueryClientProvider>
      </AntApp>
    </ConfigProvider>
  );
}
