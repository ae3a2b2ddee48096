/** OPC UA in Chinese: the status codes that a client meets in practice, and the problems of its connections. */

/** Status → what it says. Those that are not listed are shown by their name alone. */
export const OPCUA_STATUS: Record<string, string> = {
  BadUnexpectedError: "服务器发生意外错误", BadInternalError: "服务器内部错误", BadOutOfMemory: "服务器内存不足", BadResourceUnavailable: "服务器资源不可用",
  BadCommunicationError: "服务器与设备通信出错", BadEncodingError: "编码错误", BadDecodingError: "解码错误", BadEncodingLimitsExceeded: "报文超出编码限制",
  BadRequestTooLarge: "请求过大", BadResponseTooLarge: "应答过大", BadUnknownResponse: "无法识别的应答", BadTimeout: "操作超时", BadServiceUnsupported: "服务器不支持该服务",
  BadShutdown: "服务器正在关闭", BadServerNotConnected: "尚未连接到服务器", BadServerHalted: "服务器已停止", BadNothingToDo: "没有可执行的操作", BadTooManyOperations: "一次请求的操作过多",
  BadTooManyMonitoredItems: "监视项数量超出服务器上限", BadDataTypeIdUnknown: "未知的数据类型",
  BadCertificateInvalid: "证书无效", BadSecurityChecksFailed: "安全检查未通过", BadCertificatePolicyCheckFailed: "证书不符合安全策略", BadCertificateTimeInvalid: "证书不在有效期内",
  BadCertificateIssuerTimeInvalid: "颁发机构证书不在有效期内", BadCertificateHostNameInvalid: "证书中的主机名不符", BadCertificateUriInvalid: "证书中的应用 URI 不符", BadCertificateUseNotAllowed: "证书用途不允许",
  BadCertificateUntrusted: "证书不受信任", BadCertificateRevocationUnknown: "无法确认证书是否被吊销", BadCertificateRevoked: "证书已被吊销", BadCertificateIssuerRevoked: "颁发机构证书已被吊销", BadCertificateChainIncomplete: "证书链不完整",
  BadUserAccessDenied: "用户无权执行此操作", BadIdentityTokenInvalid: "登录凭据无效", BadIdentityTokenRejected: "登录凭据被拒绝", BadUserSignatureInvalid: "用户签名无效", BadSecureChannelIdInvalid: "安全通道已失效", BadNonceInvalid: "随机数无效",
  BadSessionIdInvalid: "会话无效", BadSessionClosed: "会话已关闭", BadSessionNotActivated: "会话尚未激活", BadTooManySessions: "会话数已达服务器上限", BadSubscriptionIdInvalid: "订阅已失效", BadTooManySubscriptions: "订阅数已达服务器上限", BadTooManyPublishRequests: "发布请求过多",
  BadSecurityModeRejected: "服务器拒绝该安全模式", BadSecurityPolicyRejected: "服务器拒绝该安全策略", BadSecurityModeInsufficient: "安全模式不足", BadApplicationSignatureInvalid: "应用签名无效", BadProtocolVersionUnsupported: "不支持的协议版本",
  BadNodeIdInvalid: "节点标识格式不正确", BadNodeIdUnknown: "服务器中没有该节点", BadAttributeIdInvalid: "节点没有该属性", BadNodeClassInvalid: "节点类别不符", BadIndexRangeInvalid: "数组下标范围不正确", BadIndexRangeNoData: "下标范围内没有数据", BadViewIdUnknown: "没有该视图", BadBrowseNameInvalid: "浏览名不正确",
  BadContinuationPointInvalid: "续读位置已失效", BadNoContinuationPoints: "服务器没有可用的续读位置", BadNotReadable: "该节点不可读", BadNotWritable: "该节点不可写", BadOutOfRange: "数值超出范围", BadNotSupported: "不支持该操作", BadNotFound: "未找到", BadNotImplemented: "服务器未实现该操作",
  BadTypeMismatch: "数据类型不符", BadWriteNotSupported: "不支持写入这种组合（值、状态、时间）", BadDataEncodingInvalid: "数据编码不正确", BadDataEncodingUnsupported: "不支持该数据编码", BadInvalidArgument: "参数不正确", BadArgumentsMissing: "缺少参数", BadTooManyArguments: "参数过多",
  BadMethodInvalid: "对象没有该方法", BadNotExecutable: "该方法不可执行", BadInvalidState: "当前状态不允许", BadConditionNotShelved: "条件未搁置", BadDataUnavailable: "数据不可用",
  BadMonitoredItemIdInvalid: "监视项已失效", BadMonitoredItemFilterInvalid: "监视项过滤条件不正确", BadMonitoredItemFilterUnsupported: "服务器不支持该过滤条件", BadFilterNotAllowed: "不允许使用过滤条件",
  BadNoCommunication: "服务器与数据源没有通信", BadWaitingForInitialData: "等待首个数据", BadNotConnected: "数据源未连接", BadDeviceFailure: "设备故障", BadSensorFailure: "传感器故障", BadOutOfService: "数据源已停用", BadDeadbandFilterInvalid: "死区设置不正确", BadConfigurationError: "数据源配置错误", BadDependentValueChanged: "所依赖的值已改变",
  BadHistoryOperationUnsupported: "不支持该历史操作", BadHistoryOperationInvalid: "历史操作不正确", BadNoData: "该时段没有数据", BadNoDataAvailable: "没有可用数据", BadDataLost: "数据已丢失", BadBoundNotFound: "没有边界值", BadBoundNotSupported: "不支持边界值", BadTimestampsToReturnInvalid: "时间戳选项不正确", BadTimestampNotSupported: "不支持该时间戳",
  BadConnectionRejected: "连接被拒绝", BadDisconnect: "服务器断开了连接", BadConnectionClosed: "连接已关闭", BadRequestCancelledByClient: "请求已由客户端取消", BadRequestTimeout: "请求超时", BadSecureChannelClosed: "安全通道已关闭", BadTcpServerTooBusy: "服务器过忙", BadTcpMessageTooLarge: "报文过大", BadTcpMessageTypeInvalid: "报文类型不正确", BadTcpNotEnoughResources: "服务器资源不足", BadTcpInternalError: "服务器内部通信错误", BadTcpEndpointUrlInvalid: "端点地址不正确", BadTcpSecureChannelUnknown: "未知的安全通道",
  BadLicenseExpired: "服务器许可已过期", BadLicenseLimitsExceeded: "超出服务器许可限制", BadLicenseNotAvailable: "服务器没有该许可", BadObjectDeleted: "对象已删除", BadSequenceNumberUnknown: "未知的序号", BadMessageNotAvailable: "报文已不可用", BadNoSubscription: "没有订阅", BadSyntaxError: "语法错误", BadServerUriInvalid: "服务器 URI 不正确",
  UncertainInitialValue: "初始值，尚未更新", UncertainLastUsableValue: "通信中断前的最后可用值", UncertainNoCommunicationLastUsableValue: "通信中断，显示最后可用值", UncertainSubstituteValue: "替代值", UncertainSensorNotAccurate: "传感器不准确", UncertainSensorCalibration: "传感器正在校准", UncertainEngineeringUnitsExceeded: "超出工程量范围", UncertainSubNormal: "可用来源少于要求", UncertainSimulatedValue: "模拟值", UncertainDataSubNormal: "数据质量低于正常", UncertainReferenceOutOfServer: "引用指向其他服务器",
  GoodLocalOverride: "本地强制值", GoodClamped: "已限幅", GoodOverload: "采样受限于服务器负载", GoodNoData: "该时段没有数据", GoodMoreData: "还有更多数据",
};

const NAME = /\b(?:Bad|Uncertain|Good)[A-Z][A-Za-z]+\b/;

/** The status that a text names, in Chinese with its name; empty where it names none that is known. */
export function statusOf(text: string): string {
  const name = NAME.exec(text)?.[0] ?? "";
  const said = OPCUA_STATUS[name];
  return said ? `${said}（${name}）` : "";
}

/** Code → [title, advice], as in node.zh.ts. */
export const OPCUA_PROBLEMS: Record<string, readonly [title: string, hint?: string]> = {
  "connectors.opcua_refused": ["OPC UA 服务器拒绝：", "请在服务器上授予相应权限，或用有权限的用户登录。"],
  "connectors.opcua_not_offered": ["OPC UA 服务器不提供此功能：", "服务器手册列有其支持的服务。"],
  "connectors.opcua_node_unknown": ["OPC UA 服务器中没有该节点：", "请重新浏览以找到正确地址；服务器可能已换了程序。"],
  "connectors.opcua_value_refused": ["OPC UA 服务器不接受该值：", "请核对服务器所示的类型和范围。"],
  "connectors.opcua_failed": ["OPC UA 服务器未能执行：", "请检查服务器后面机器的状态，然后重试。"],
  "connectors.opcua_garbled": ["OPC UA 服务器的应答无法解析：", "请检查该端口是否为 OPC UA 服务器及其版本。"],
  "connectors.opcua_value": ["数值不适合该节点：", "请填写符合其类型和范围的值。"],
  "connectors.opcua_address": ["OPC UA 地址不正确：", "写法如 ns=2;s=Line1.Oven.Temperature 或 i=2258。"],
  "connectors.opcua_arguments": ["方法的参数不正确：", "请按方法所列的参数填写。"],
  "connectors.opcua_no_method": ["该节点不是方法：", "请浏览服务器，方法会标明。"],
  "connectors.opcua_method_alone": ["该方法不属于任何对象：", "请调用对象之下的方法，而不是类型之下的。"],
  "connectors.opcua_structure": ["该节点是结构，不能直接读写：", "请选择其中的成员。"],
  "connectors.opcua_page_gone": ["服务器已不再保留浏览位置", "请从头重新浏览该节点。"],
  "connectors.opcua_url": ["OPC UA 服务器地址不正确：", "写法为 opc.tcp://主机:端口；用户名和密码请填在各自的设置项。"],
  "connectors.opcua_certificate": ["本方证书或私钥不可用：", "请以 PEM 格式同时给出证书和私钥（RSA 2048 至 4096 位，私钥不加密码）。"],
  "connectors.opcua_certificate_expired": ["服务器证书不在有效期内：", "请为服务器更换证书，或校准双方时钟。"],
  "connectors.opcua_certificate_folder": ["无法保存本方证书：", "请使该文件夹可写，或在设置中给出证书和私钥。"],
  "connectors.opcua_no_certificate": ["服务器没有证书：", "请为服务器配置证书。"],
  "connectors.opcua_trusted": ["受信任证书的写法不正确：", "请给出 PEM 证书，或其 SHA-256、SHA-1 指纹。"],
  "connectors.opcua_untrusted": ["尚未信任该服务器的证书：", "请与服务器自身显示的指纹核对，一致时加入受信任证书。"],
  "connectors.opcua_identity": ["登录方式不明确：", "用户名密码与用户证书只用其一，并填写完整。"],
  "connectors.opcua_security_not_offered": ["服务器不提供所选的安全策略或模式：", "请改为服务器提供的组合，或在服务器上开放。"],
  "connectors.opcua_plain_password": ["密码会明文传输：", "请选择 None 以外的安全策略；若链路可信，可启用 plain_password。"],
};

/** Problems of other connections that were not said yet. */
export const FIELD_PROBLEMS: Record<string, readonly [title: string, hint?: string]> = {
  "connectors.seek_invalid": ["地址或网段不正确：", "请写一个地址（如 192.168.0.10）或不超过 256 个地址的小网段（如 192.168.0.0/28）。"],
  "connectors.browse_invalid": ["此处没有可浏览的内容：", "请从头浏览，逐级展开。"],
  "connectors.unconfirmed": ["设备没有确认写入：", "可能已写入，也可能没有；请先读取再决定是否重试。"],
  "connectors.port_denied": ["无权打开串口：", "请让运行节点的用户加入可访问串口的用户组。"],
  "connectors.not_running": ["采集服务没有运行", "稍后重试；若持续如此，请查看系统页。"],
  "s7.browse_invalid": ["此处没有可浏览的内容：", "请从头浏览，如 DB1。"],
  "s7.unreachable": ["无法连接 S7 控制器：", "请检查地址、机架号、槽号，以及 CPU 是否允许 PUT/GET。"],
  "s7.connection_refused": ["S7 控制器拒绝连接：", "S7-1200、1500 为机架 0 槽 1，S7-300 为槽 2；也可用“询问有谁在”查找。"],
  "s7.connection_lost": ["与 S7 控制器的连接已断开：", "会自动重新连接。"],
  "s7.refused": ["S7 控制器拒绝：", "请允许 PUT/GET，数据块不用优化访问，并核对地址。"],
  "llrp.taken": ["读写器已被占用：", "读写器一次只服务一个客户端，请先结束其他中间件。"],
  "llrp.refused": ["读写器拒绝：", "请检查天线和协议版本设置。"],
  "llrp.no_answer": ["读写器没有及时应答：", "会自动重新连接；若持续如此，请重启读写器。"],
  "llrp.no_greeting": ["对方的应答不像读写器", "请确认端口是读写器的 LLRP 端口。"],
  "llrp.malformed": ["读写器发来的不是 LLRP：", "请核对端口和固件版本。"],
  "llrp.certificate_refused": ["读写器的证书不受信任：", "请给出其颁发机构的证书，或证书中的名称。"],
  "llrp.certificate_unusable": ["本方证书或私钥不可用：", "请以 PEM 文本给出，私钥不加密码且与证书相符。"],
  "llrp.tls_failed": ["与读写器协商 TLS 失败：", "TLS 端口通常为 5085，明文为 5084；有的读写器要求本方证书。"],
  "devices.encoding_unsupported": ["不支持压缩的正文", "请不压缩发送。"],
  "commands.not_carried": ["设备的协议无法表达该命令：", "请核对数值和参数名。"],
};
