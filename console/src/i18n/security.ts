/** Texts of signing in and of a person's own security, in both languages. */
export const security = {
  en: {
    title: "Security", text: "How you show who you are. A second factor keeps others out even when they know your password.", open: "Second factors and passkeys",
    passkeys: "Passkeys", passkeysText: "Sign in with a finger, a face or the number of your device, without a name or a password.", noPasskeys: "No passkeys yet", addPasskey: "Add a passkey", passkeyName: "What shall it be called?", passkeyNameHint: "So that you know later which device it is.",
    passkeyAdded: "Passkey added", removePasskey: "Remove", removePasskeyConfirm: "Remove this passkey? It opens nothing here any more.", rename: "Rename", lastUsed: "Last used", backedUp: "kept by its maker's cloud too", copied: "Its counter went back: somebody may have a copy. Remove it.",
    passkeysNeedName: "Passkeys belong to a name. Open this console under the node's name instead of its number; on the machine itself that is http://localhost.", passkeysUnsupported: "This browser knows no passkeys, or the page is not protected by HTTPS.", passkeyCancelled: "No passkey was used.",
    app: "Authenticator app", appText: "After the password you are asked for the six digits that an app on your telephone shows.", appOn: "On", appOff: "Off", setUp: "Set up an app", replace: "Set up another app", remove: "Remove the app", removeConfirm: "Remove the app? The password alone will open your account.",
    scan: "Scan this with the app", orType: "or type this secret into it", code: "Code", codeHint: "The six digits that the app shows now", confirm: "Confirm", appAdded: "From now on a code is asked for",
    recovery: "Recovery codes", recoveryText: "For the day your telephone is lost. Each works once, in place of the app's code.", recoveryLeft: (n: number) => `${n} left`, newCodes: "Make new codes", newCodesConfirm: "Make new codes? The old ones stop working.", codesOnce: "Keep them where your telephone is not. They are not shown again.", kept: "I have kept them",
    identities: "Accounts elsewhere", identitiesText: "Sign in through another service that knows you.", noIdentities: "None linked", link: (title: string) => `Link ${title}`, unlink: "Unlink", unlinkConfirm: "Unlink this account? You can no longer sign in through it.",
    proofTitle: "Is it still you?", proofText: "This change takes your password or a passkey once more.", proofCode: "Code of the app, if you have one", proofWith: "Use a passkey", proofThrough: (title: string) => `Through ${title}`,
    strength: "Strength", strengths: ["easily guessed", "weak", "fair", "strong"],
    required: "Your role takes a second factor", requiredText: "Set up an app or a passkey to go on. If you have one already, show it.", show: "Show my second factor", goOn: "Go on",
    secondTitle: "One more step", secondText: "Type the code that your authenticator app shows, or one of your recovery codes.", secondCode: "Code", withPasskey: "Sign in with a passkey", through: (title: string) => `Sign in with ${title}`, or: "or", back: "Start again",
    problems: {
      "parties.identity_unknown": "Nobody here has this account. Sign in another way and link it under My account, or ask an administrator.", "parties.provider_denied": "The other service did not sign you in.", "parties.provider_unavailable": "The other service does not answer.", "parties.provider_refused": "The other service did not accept its own answer.",
      "parties.id_token_refused": "The other service's answer is not what it should be.", "parties.ceremony_over": "This took too long, or was begun elsewhere. Begin again.", "parties.ceremony_spent": "This was used before. Begin again.", "parties.identity_taken": "This account belongs to somebody else here.", other: "Signing in did not work.",
    } as Record<string, string>,
  },
  zh: {
    title: "安全", text: "您如何证明身份。即使他人知道密码，第二因素也能把他们挡在门外。", open: "第二因素与通行密钥",
    passkeys: "通行密钥", passkeysText: "用指纹、面容或设备密码登录，无需用户名和密码。", noPasskeys: "还没有通行密钥", addPasskey: "添加通行密钥", passkeyName: "起个名称", passkeyNameHint: "方便以后认出是哪台设备。",
    passkeyAdded: "已添加通行密钥", removePasskey: "移除", removePasskeyConfirm: "移除此通行密钥？之后它无法再登录。", rename: "重命名", lastUsed: "上次使用", backedUp: "厂商云端也有备份", copied: "计数器倒退：可能有人复制了它。请移除。",
    passkeysNeedName: "通行密钥属于一个域名。请用节点的名称而不是数字地址打开控制台；在本机上可用 http://localhost。", passkeysUnsupported: "此浏览器不支持通行密钥，或页面未受 HTTPS 保护。", passkeyCancelled: "没有使用通行密钥。",
    app: "验证器应用", appText: "输入密码之后，还要输入手机应用显示的六位数字。", appOn: "已启用", appOff: "未启用", setUp: "设置应用", replace: "换一个应用", remove: "移除应用", removeConfirm: "移除应用？之后仅凭密码即可登录。",
    scan: "用应用扫描", orType: "或手动输入此密钥", code: "验证码", codeHint: "应用当前显示的六位数字", confirm: "确认", appAdded: "今后登录需要验证码",
    recovery: "恢复码", recoveryText: "手机丢失时使用。每个只能用一次，代替应用的验证码。", recoveryLeft: (n: number) => `还剩 ${n} 个`, newCodes: "生成新的恢复码", newCodesConfirm: "生成新的恢复码？旧的将失效。", codesOnce: "请保存在手机以外的地方。以后不再显示。", kept: "我已保存",
    identities: "其他账号", identitiesText: "通过认识您的其他服务登录。", noIdentities: "尚未关联", link: (title: string) => `关联 ${title}`, unlink: "取消关联", unlinkConfirm: "取消关联此账号？之后无法再通过它登录。",
    proofTitle: "还是您本人吗？", proofText: "此更改需要再次输入密码或使用通行密钥。", proofCode: "应用的验证码（如已设置）", proofWith: "使用通行密钥", proofThrough: (title: string) => `通过 ${title}`,
    strength: "强度", strengths: ["极易猜到", "弱", "一般", "强"],
    required: "您的角色需要第二因素", requiredText: "请设置应用或通行密钥后继续。如果已经设置，请出示。", show: "出示第二因素", goOn: "继续",
    secondTitle: "还差一步", secondText: "输入验证器应用显示的验证码，或一个恢复码。", secondCode: "验证码", withPasskey: "用通行密钥登录", through: (title: string) => `用 ${title} 登录`, or: "或", back: "重新开始",
    problems: {
      "parties.identity_unknown": "这里没有人关联此账号。请用其他方式登录并在“我的账户”中关联，或联系管理员。", "parties.provider_denied": "对方服务没有让您登录。", "parties.provider_unavailable": "对方服务没有响应。", "parties.provider_refused": "对方服务不接受它自己的答复。",
      "parties.id_token_refused": "对方服务的答复不符合要求。", "parties.ceremony_over": "时间过长，或在别处开始。请重新开始。", "parties.ceremony_spent": "已经用过。请重新开始。", "parties.identity_taken": "此账号已属于这里的其他人。", other: "登录没有成功。",
    } as Record<string, string>,
  },
};
