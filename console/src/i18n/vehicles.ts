/** Texts of vehicles, in both languages. */
export const vehicles = {
  en: {
    actions: { "vehicles.add": "Registered vehicles", "vehicles.model.add": "Made the model of vehicles", "vehicles.platforms.add": "Registered a platform of vehicles" },
    vehicle: "A vehicle (GB/T 32960)", vin: "VIN", iccid: "ICCID of its SIM card", iccidHint: "20 digits; - where the terminal sends none.", platformUser: "User name it logs in with", platformPassword: "Password",
    connect: (port: string) => `Let the terminal connect to this node's address, port ${port}.`, closed: "This node takes in no vehicles yet: set [vehicles] port, usually 32960, and start it again.", doubtful: (why: string) => `It is registered, though ${why}.`, waiting: "Waiting for its first report", platform: "A platform that forwards its vehicles (GB/T 32960)", registered: "Registered",
  },
  zh: {
    actions: { "vehicles.add": "登记车辆", "vehicles.model.add": "创建车辆物模型", "vehicles.platforms.add": "登记车辆平台" },
    vehicle: "车辆（GB/T 32960）", vin: "VIN", iccid: "SIM 卡 ICCID", iccidHint: "20 位；终端不发送时填 -。", platformUser: "平台登入用户名", platformPassword: "密码",
    connect: (port: string) => `请让车载终端连接本节点地址的 ${port} 端口。`, closed: "本节点尚未接入车辆：请设置 [vehicles] port（通常为 32960）并重启。", doubtful: (why: string) => `已登记，但 VIN 有疑问：${why}。`, waiting: "等待首条上报", platform: "转发车辆的平台（GB/T 32960）", registered: "已登记",
  },
};
