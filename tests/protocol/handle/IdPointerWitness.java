// Drives the national network's id-pointer-sdk against a server of ours, with keys of SM2; prints a line for each step.
//   java -cp CLASSPATH IdPointerWitness.java HOST PORT PREFIX INDEX KEY.der WRONG.der      (PKCS 8)
import cn.hutool.crypto.SecureUtil;
import cn.teleinfo.idpointer.sdk.client.IDClient;
import cn.teleinfo.idpointer.sdk.client.IDClientFactory;
import cn.teleinfo.idpointer.sdk.config.IDClientConfig;
import cn.teleinfo.idpointer.sdk.core.*;
import java.io.OutputStream;
import java.io.PrintStream;
import java.net.InetSocketAddress;
import java.nio.file.Files;
import java.nio.file.Paths;
import java.security.PrivateKey;

public class IdPointerWitness {
    static PrintStream out = System.out;

    interface Step {
        Object run() throws Exception;
    }

    static void step(String name, Step step) {
        String outcome;
        try {
            Object found = step.run();
            outcome = found == null ? "done" : "" + found;
        } catch (Exception e) {
            Throwable cause = e;
            while (cause.getCause() != null) cause = cause.getCause();
            outcome = "exception " + (e + " " + cause).replace('\n', ' ');
        }
        out.println(name + "\t" + outcome);
    }

    static String values(HandleValue[] found) {
        StringBuilder told = new StringBuilder();
        for (HandleValue each : found) told.append(each.getIndex()).append('=').append(each.getTypeAsString()).append(' ');
        return told.toString().trim();
    }

    static PrivateKey key(String file) throws Exception {
        return SecureUtil.generatePrivateKey("SM2", Files.readAllBytes(Paths.get(file)));
    }

    static HandleValue value(int index, String type, String data) {
        return new HandleValue(index, Util.encodeString(type), Util.encodeString(data));
    }

    public static void main(String[] args) throws Exception {
        // The library prints what it signs.
        System.setOut(new PrintStream(OutputStream.nullOutputStream()));
        String prefix = args[2], made = prefix + "/made-by-id-pointer", na = "0.NA/" + prefix;
        int index = Integer.parseInt(args[3]);
        InetSocketAddress server = new InetSocketAddress(args[0], Integer.parseInt(args[1]));
        IDClientConfig config = IDClientConfig.builder().recursionServerIp(args[0]).recursionServerPort(server.getPort()).promiseTimeout(20).build();
        IDClientFactory factory = new IDClientFactory(config);
        IDClient wrong = factory.newInstance(server, na, index, key(args[5]));
        IDClient right = factory.newInstance(server, na, index, key(args[4]));
        AdminRecord admin = new AdminRecord(Util.encodeString(na), index, true, true, true, true, true, true, true, true, true, true, true, true);
        HandleValue administrator = new HandleValue(100, Util.encodeString("HS_ADMIN"), Encoder.encodeAdminRecord(admin));
        HandleValue[] initial = { value(1, "URL", "https://example.com/"), administrator };
        step("create by wrong key", () -> { wrong.createHandle(made, initial); return null; });
        step("create", () -> { right.createHandle(made, initial); return null; });
        step("add", () -> { right.addHandleValues(made, new HandleValue[] { value(2, "EMAIL", "a@example.com") }); return null; });
        step("modify", () -> { right.updateHandleValues(made, new HandleValue[] { value(2, "EMAIL", "b@example.com") }); return null; });
        step("resolve", () -> values(right.resolveHandle(made, null, null, false)));
        step("remove", () -> { right.deleteHandleValues(made, new int[] { 1 }); return null; });
        step("read key", () -> {
            HandleValue found = right.resolveHandle(na, null, new int[] { index }, false)[0];
            return Util.getPublicKeyFromBytes(found.getData()).getAlgorithm();
        });
        step("written key", () -> hex(Util.getBytesFromPublicKey(SecureUtil.generatePublicKey("SM2", Files.readAllBytes(Paths.get(args[4] + ".pub"))))));
        step("delete", () -> { right.deleteHandle(made); return null; });
        step("keep", () -> { right.createHandle(prefix + "/kept", initial); return null; });
        System.exit(0);
    }

    static String hex(byte[] data) {
        StringBuilder told = new StringBuilder();
        for (byte each : data) told.append(String.format("%02x", each));
        return told.toString();
    }
}
