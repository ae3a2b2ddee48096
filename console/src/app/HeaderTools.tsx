import { BulbOutlined, GlobalOutlined, QuestionCircleOutlined, SearchOutlined, UserOutlined } from "@ant-design/icons";
import { Button, Dropdown, type MenuProps } from "antd";
import type { JSX } from "react";
import { useNavigate } from "react-router";

import { remove, request } from "../api/client";
import type { Session } from "../api/model";
import { queryClient, useChange } from "../api/queries";
import { useText } from "../i18n";
import { usePhone } from "../parts/screen";
import { type Appearance, type Language, setPreferences, usePreferences } from "./preferences";
import { openHelp, openSearch } from "./Shortcuts";

export function LanguageSwitch({ keep }: { keep?: boolean }): JSX.Element {
  const { language } = usePreferences();
  const other: Language = language === "zh" ? "en" : "zh";
  return (
    <Button
      type="text" icon={<GlobalOutlined />} lang={other === "zh" ? "zh-CN" : "en"} data-testid="language"
      onClick={() => {
        setPreferences({ language: other });
        // Kept with the person too, for the next browser; that it fails must not keep the page from changing.
        if (keep) void request("PATCH", "/session", { body: { language: other } }).catch(() => undefined);
      }}
    >
      {other === "zh" ? "中文" : "English"}
    </Button>
  );
}

export function AppearanceSwitch(): JSX.Element {
  const t = useText();
  const { appearance } = usePreferences();
  const items: MenuProps["items"] = (["light", "dark", "system"] as const).map((key) => ({ key, label: t.common[key] }));
  return (
    <Dropdown trigger={["click"]} menu={{ items, selectedKeys: [appearance], onClick: ({ key }) => { setPreferences({ appearance: key as Appearance }); } }}>
      <Button type="text" icon={<BulbOutlined />} aria-label={t.common.appearance} />
    </Dropdown>
  );
}

export function HeaderTools({ session }: { session: Session }): JSX.Element {
  const t = useText();
  const phone = usePhone();
  const navigate = useNavigate();
  const signOut = useChange(() => remove("/session"), [], () => {
    queryClient.clear();
    void navigate("/sign-in");
  });
  return (
    <>
      <Button type="text" icon={<SearchOutlined />} aria-label={t.common.search} onClick={openSearch}>
        {!phone && <span className="quiet">{t.common.search} <span className="kbd">/</span></span>}
      </Button>
      <LanguageSwitch keep />
      <AppearanceSwitch />
      {!phone && <Button type="text" icon={<QuestionCircleOutlined />} aria-label={t.help.title} onClick={openHelp} />}
      <Dropdown
        trigger={["click"]}
        menu={{
          items: [{ key: "account", label: t.nav.account }, { type: "divider" }, { key: "out", label: t.session.signOut }],
          onClick: ({ key }) => { if (key === "out") signOut.mutate(undefined); else void navigate("/account"); },
        }}
      >
        <Button type="text" icon={<UserOutlined />} aria-label={t.nav.account}>{!phone && session.person.name}</Button>
      </Dropdown>
    </>
  );
}
