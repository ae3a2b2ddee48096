// An OPC UA server by node-opcua, for tests. The first line of input holds the options; "ready" says that it listens.
// Further lines are commands, each answered with a line.
import { createInterface } from "node:readline";
import * as opcua from "node-opcua";

const { OPCUAServer, OPCUACertificateManager, MessageSecurityMode, SecurityPolicy, Variant, DataType, StatusCodes } = opcua;
const { VariantArrayType, AttributeIds, standardUnits } = opcua;

const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();
const options = JSON.parse((await lines.next()).value);

const certificates = new OPCUACertificateManager({ automaticallyAcceptUnknownCertificate: !options.reject, rootFolder: options.folder });
await certificates.initialize();
const server = new OPCUAServer({
  port: options.port,
  hostname: "127.0.0.1",
  resourcePath: "/plant",
  serverCertificateManager: certificates,
  userCertificateManager: certificates,
  certificateFile: options.certificate,
  privateKeyFile: options.key,
  serverInfo: { applicationUri: "urn:example:server", productUri: "urn:example:press" },
  buildInfo: { productName: "Press 5000", manufacturerName: "Example Works", softwareVersion: "3.1", buildNumber: "9" },
  securityModes: [MessageSecurityMode.None, MessageSecurityMode.Sign, MessageSecurityMode.SignAndEncrypt],
  securityPolicies: [SecurityPolicy.None, SecurityPolicy.Basic256Sha256, SecurityPolicy.Aes128_Sha256_RsaOaep, SecurityPolicy.Aes256_Sha256_RsaPss],
  allowAnonymous: true,
  userManager: { isValidUser: (name, password) => name === "operator" && password === "right" },
  serverCapabilities: { operationLimits: { maxNodesPerRead: 100, maxMonitoredItemsPerCall: 100, maxNodesPerBrowse: 50 } },
});
await server.initialize();
const space = server.engine.addressSpace;
const plant = space.registerNamespace("urn:example:plant");
const line = plant.addObject({ organizedBy: space.rootFolder.objects, browseName: "Line1", nodeId: "s=Line1" });
const named = {};
const add = (name, dataType, value, more = {}) =>
  (named[name] = plant.addVariable({
    componentOf: line, browseName: name, nodeId: `s=${name}`, dataType, minimumSamplingInterval: 10,
    value: { dataType, value }, ...more,
  }));
named.Temperature = plant.addAnalogDataItem({
  componentOf: line, browseName: "Temperature", nodeId: "s=Temperature", dataType: "Double", minimumSamplingInterval: 10,
  engineeringUnitsRange: { low: 0, high: 200 }, engineeringUnits: standardUnits.degree_celsius,
  value: { dataType: DataType.Double, value: 20.5 },
});
add("Count", DataType.UInt16, 7);
add("Locked", DataType.UInt16, 7, { accessLevel: "CurrentRead", userAccessLevel: "CurrentRead" });
add("Temperatures", DataType.Double, null, {
  valueRank: 1, arrayDimensions: [4],
  value: { dataType: DataType.Double, arrayType: VariantArrayType.Array, value: new Float64Array([1.5, 2.5, 3.5, 4.5]) },
});
add("Level", DataType.Float, 0.5);
add("Kept", DataType.Double, 0);
space.installHistoricalDataNode(named.Kept, { maxOnlineValues: 5000 });
const method = plant.addMethod(line, {
  browseName: "Add", nodeId: "s=Add",
  inputArguments: [{ name: "a", dataType: DataType.Double }, { name: "b", dataType: DataType.Int16 }],
  outputArguments: [{ name: "sum", dataType: DataType.Double }],
});
method.bindMethod((inputs, _context, callback) =>
  callback(null, {
    statusCode: StatusCodes.Good,
    outputArguments: [{ dataType: DataType.Double, value: inputs[0].value + inputs[1].value }],
  }));
const folder = plant.addFolder(space.rootFolder.objects, { browseName: "Tags", nodeId: "s=Tags" });
for (let number = 0; number < options.tags; number++)
  plant.addVariable({
    organizedBy: folder, browseName: `Tag${number}`, nodeId: `s=Tag${number}`, dataType: "Double",
    minimumSamplingInterval: 10, value: { dataType: DataType.Double, value: number },
  });
await server.start();
console.log("ready");

let counting, last;
for await (const text of lines) {
  const command = JSON.parse(text);
  let answer = null;
  if (command.do === "set") {
    const node = named[command.name];
    node.setValueFromSource({ dataType: node.dataTypeObj.basicDataType, value: command.value }, StatusCodes[command.status ?? "Good"]);
  } else if (command.do === "count") {
    // Each value stands for its whole time, however busy the machine: the server samples.
    const next = () => {
      named.Kept.setValueFromSource({ dataType: DataType.Double, value: ++last });
      counting = setTimeout(next, command.interval_s * 1000);
    };
    last = 0;
    next();
  } else if (command.do === "halt") {
    clearTimeout(counting);
    answer = last;
  } else if (command.do === "subscriptions") {
    answer = server.engine.currentSubscriptionCount;
  }
  console.log("> " + JSON.stringify(answer));
}
await server.shutdown(0);
