/** Texts of versions for edges and of their roll-outs, in both languages. */
export const releases = {
  en: {
    title: "Versions for edges", text: "Put wheels here, then roll them out group after group. An edge tries a version beside the one it runs, and goes back by itself when it is not well.",
    add: "Add a version", adding: (share: string) => `Sending ${share}`, rollOut: "Roll out", stop: "Stop", remove: "Remove", removeTitle: (version: string) => `Remove version ${version} from the shelf? Edges that run it go on.`, none: "No version here yet.",
    version: "Version", files: "Files", made: "Added", state: "State", edges: "Edges", began: "Began",
    canary: "First (canary)", rest: "Then", trial: "Ready within (s)", settle: "Well for (s)", choose: "Choose edges",
    states: { running: "Under way", done: "Done", failed: "Stopped: an edge failed", stopped: "Stopped" } as Record<string, string>,
    progress: { waiting: "Waits for its group", ordered: "Ordered", fetching: "Fetching", installing: "Being put together", staged: "About to switch", trying: "Being tried", done: "Runs it", failed: "Could not install it", rolled_back: "Went back" } as Record<string, string>,
    kinds: { edge_release: "Version for edges", edge_rollout: "Roll-out to edges" },
    actions: { "edge_releases.add": "Added a version for edges", "edge_releases.remove": "Removed a version for edges", "edge_releases.file.set": "Sent a file of a version", "edge_rollouts.add": "Began a roll-out to edges", "edge_rollouts.stop.add": "Stopped a roll-out to edges" },
  },
  zh: {
    title: "边缘节点版本", text: "上传安装包（wheel），再按批次推送。边缘节点在当前版本之外试运行新版本，若不正常会自动回退。",
    add: "添加版本", adding: (share: string) => `正在上传 ${share}`, rollOut: "推送", stop: "停止", remove: "删除", removeTitle: (version: string) => `从货架删除版本 ${version}？正在运行该版本的边缘节点不受影响。`, none: "还没有版本。",
    version: "版本", files: "文件", made: "添加时间", state: "状态", edges: "边缘节点", began: "开始时间",
    canary: "首批（试点）", rest: "随后", trial: "就绪时限（秒）", settle: "稳定时长（秒）", choose: "选择边缘节点",
    states: { running: "进行中", done: "已完成", failed: "已停止：有节点失败", stopped: "已停止" } as Record<string, string>,
    progress: { waiting: "等待本批次", ordered: "已下达", fetching: "正在下载", installing: "正在安装", staged: "即将切换", trying: "试运行中", done: "已运行", failed: "无法安装", rolled_back: "已回退" } as Record<string, string>,
    kinds: { edge_release: "边缘节点版本", edge_rollout: "边缘节点推送" },
    actions: { "edge_releases.add": "添加边缘节点版本", "edge_releases.remove": "删除边缘节点版本", "edge_releases.file.set": "上传版本文件", "edge_rollouts.add": "开始推送边缘节点版本", "edge_rollouts.stop.add": "停止推送边缘节点版本" },
  },
};

/** What the node says of them, in Chinese. */
export const RELEASE_PROBLEMS: Record<string, readonly [title: string, hint?: string]> = {
  "devices.release_wheel": ["该文件不是可安装的 wheel：", "请使用 make wheel 或 pip download 生成的、适合边缘节点 Python 和机型的文件。"],
  "devices.release_offset": ["文件未能续传：", "请从头重新上传。"],
  "devices.release_too_large": ["磁盘空间不足，无法存放该文件", "请释放节点磁盘空间；单个文件最多 2 GB。"],
  "devices.release_file_unknown": ["文件不存在", "请先上传文件，或重新添加版本。"],
  "devices.release_not_ours": ["文件中没有 millwright 的 wheel", "请加入 make wheel 生成的文件。"],
  "devices.release_unknown": ["没有该版本", "列表中显示已有的版本。"],
  "devices.release_in_use": ["该版本正在推送", "请先停止推送，或等待其结束。"],
  "devices.rollout_unknown": ["没有该推送", "列表中显示已有的推送。"],
  "devices.rollout_twice": ["同一边缘节点出现了两次", "每个节点只能列出一次。"],
  "devices.rollout_unsigned": ["该推送没有边缘节点信任的签名许可", "请在上级重新推送；上级升级之前开始的推送没有许可。"],
  "devices.rollout_superseded": ["该推送的许可早于边缘节点已接受的上一次推送", "请在上级重新推送；回到旧版本也是如此。"],
  "devices.rollout_running": ["其中有节点正处于另一次推送中", "请先停止那次推送，或等待其结束。"],
};
