/** Texts of taking history out, in both languages. */
export const exports_ = {
  en: {
    actions: { "readings.exports.add": "Made an export of history", "readings.exports.set": "Saved an export of history", "readings.exports.remove": "Removed an export of history", "readings.exports.run": "Ran an export of history", "readings.exports.runs.cancel": "Cancelled a run of an export", "readings.exports.end": "An export of history ended", "readings.imports.end": "An import of history ended" }, kinds: { reading_export: "Export of history" },
    title: "Take history out", text: "Files of readings, made on a schedule or by hand. They run with the rights of their owner.", add: "New export", empty: "No exports yet", emptyText: "An export makes a file of readings each hour, day, week or month, or when you ask for it.",
    name: "Name", what: "What", devices: "Devices", every: "Every device", chosen: "These devices", fitting: "By place, model, tag", place: "Place", model: "Model", tag: "Tag", properties: "Properties", propertiesHint: "Names, or patterns like temp*. None: every property.", rows: "Rows", readings: "Readings one by one", buckets: "Buckets", width: "Width", aggregates: "Aggregates", format: "File", formats: { csv: "CSV", parquet: "Parquet", arrow: "Arrow", xlsx: "Excel" } as Record<string, string>,
    zone: "Time zone", zoneHint: "Of the schedule, the window, and the times in the file.", window: "Of which time", windows: { hour: "The hour before", day: "The day before", week: "The week before", month: "The month before", last: "So many hours before", new: "What is new since the last run", between: "A fixed stretch" } as Record<string, string>, hours: "Hours", from: "From", to: "To", newHint: "By arrival: every reading is in one file, also when it comes late. The newest two minutes wait for the next run.", sourceHint: "By source time. What arrives after the run is not in its file.",
    when: "When", whens: { hand: "By hand", hour: "Every hour", day: "Every day", week: "Every week", month: "Every month" } as Record<string, string>, at: "At", weekday: "On", weekdays: ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"], monthday: "On day", keep: "Kept files", keepDays: "For days", enabled: "Switched on",
    owner: "Owner", next: "Next run", last: "Last run", byHand: "by hand", off: "off", run: "Run now", save: "Save", saveHint: "It belongs to you from then on, and runs with your rights.", remove: "Remove this export", removeText: "Its runs and files go with it. Readings stay.", runs: "Runs", noRuns: "It has not run yet", cancel: "Cancel", ended: "Ended", rowsOf: "Rows", size: "Size", download: "Download", digest: "SHA-256", made: (series: string, of: string) => `${series} of ${of} series`,
    states: { waiting: "Waiting", running: "Under way", done: "Done", failed: "Failed", cancelled: "Cancelled" } as Record<string, string>, causes: { schedule: "On schedule", missed: "Made up", hand: "By hand" } as Record<string, string>, seconds: (s: number) => s < 60 ? `${s} s` : s < 3600 ? `${s / 60} min` : s < 86_400 ? `${s / 3600} h` : "1 day", aggregate: { min: "Minimum", max: "Maximum", mean: "Mean", first: "First", last: "Last", count: "Count", twm: "Time-weighted mean" } as Record<string, string>,
  },
  zh: {
    actions: { "readings.exports.add": "新建历史数据导出", "readings.exports.set": "保存历史数据导出", "readings.exports.remove": "删除历史数据导出", "readings.exports.run": "执行历史数据导出", "readings.exports.runs.cancel": "取消一次导出", "readings.exports.end": "历史数据导出结束", "readings.imports.end": "历史数据导入结束" }, kinds: { reading_export: "历史数据导出" },
    title: "导出历史数据", text: "将读数导出为文件，可定时执行，也可手动执行。导出以所有者的权限运行。", add: "新建导出", empty: "还没有导出任务", emptyText: "导出任务可每小时、每天、每周或每月生成一个读数文件，也可随时手动执行。",
    name: "名称", what: "内容", devices: "设备", every: "所有设备", chosen: "指定设备", fitting: "按位置、物模型、标签", place: "位置", model: "物模型", tag: "标签", properties: "属性", propertiesHint: "属性名或通配，如 temp*；留空为全部属性。", rows: "行", readings: "逐条读数", buckets: "聚合", width: "间隔", aggregates: "聚合方式", format: "文件格式", formats: { csv: "CSV", parquet: "Parquet", arrow: "Arrow", xlsx: "Excel" } as Record<string, string>,
    zone: "时区", zoneHint: "用于计划、时段以及文件中的时间。", window: "时段", windows: { hour: "上一小时", day: "前一天", week: "上一周", month: "上一月", last: "之前若干小时", new: "上次导出以来的新数据", between: "固定时段" } as Record<string, string>, hours: "小时数", from: "起", to: "止", newHint: "按到达顺序：每个读数恰好出现在一个文件中，迟到的数据也不例外。最近两分钟的数据留到下一次。", sourceHint: "按数据源时间。执行之后才到达的数据不在文件中。",
    when: "执行时间", whens: { hand: "手动", hour: "每小时", day: "每天", week: "每周", month: "每月" } as Record<string, string>, at: "时刻", weekday: "星期", weekdays: ["星期一", "星期二", "星期三", "星期四", "星期五", "星期六", "星期日"], monthday: "日期", keep: "保留文件数", keepDays: "保留天数", enabled: "启用",
    owner: "所有者", next: "下次执行", last: "上次执行", byHand: "手动", off: "已停用", run: "立即执行", save: "保存", saveHint: "保存后归您所有，并以您的权限运行。", remove: "删除此导出", removeText: "执行记录和文件一并删除，读数保留。", runs: "执行记录", noRuns: "尚未执行", cancel: "取消", ended: "结束时间", rowsOf: "行数", size: "大小", download: "下载", digest: "SHA-256", made: (series: string, of: string) => `${series} / ${of} 个序列`,
    states: { waiting: "等待中", running: "进行中", done: "已完成", failed: "失败", cancelled: "已取消" } as Record<string, string>, causes: { schedule: "按计划", missed: "补做", hand: "手动" } as Record<string, string>, seconds: (s: number) => s < 60 ? `${s} 秒` : s < 3600 ? `${s / 60} 分钟` : s < 86_400 ? `${s / 3600} 小时` : "1 天", aggregate: { min: "最小值", max: "最大值", mean: "平均值", first: "首值", last: "末值", count: "数量", twm: "时间加权平均" } as Record<string, string>,
  },
};
export const EXPORT_PROBLEMS: Record<string, readonly [title: string, hint?: string]> = {
  "readings.export_unknown": ["没有这个导出任务"],
  "readings.export_run_unknown": ["没有这次导出记录"],
  "readings.export_settings": ["导出设置不正确：", "请改正所指的项目。"],
  "readings.export_state": ["当前状态不允许此操作", "同一导出任务一次只执行一个；请刷新后再试。"],
  "readings.export_file_gone": ["文件不存在或已按保留策略清除", "请再次执行导出。"],
  "readings.export_not_yours": ["文件包含您无权读取的数据", "请申请相应组织的 history:read 权限，或自己新建导出。"],
  "readings.export_owner": ["导出任务的所有者已无相应权限", "请由有权限的人重新保存该任务，此后归其所有。"],
  "readings.export_too_many": ["该组织的导出任务已达上限", "请删除不再需要的任务。"],
  "readings.export_too_large": ["文件过大：", "请缩短时段、减少序列、改用聚合或 Parquet，或减少保留的文件。"],
  "readings.export_too_many_rows": ["一次导出的行数过多", "请增大聚合间隔、缩短时段或减少序列，或分成几个导出。"],
  "readings.export_failed": ["导出出错：", "请连同 history_exporter 的日志一起反馈。"],
};
