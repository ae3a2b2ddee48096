// Drives CNRI's Java client library against a server of ours; prints one line for each operation.
//   java -cp CLASSPATH CnriWitness.java HOST PORT udp|tcp PREFIX SECRET PUBLIC_KEY_HEX RSA_PRIVATE_KEY_PKCS8_FILE
import java.net.InetAddress;
import java.nio.file.Files;
import java.nio.file.Paths;
import java.security.KeyFactory;
import java.security.KeyPairGenerator;
import java.security.PrivateKey;
import java.security.spec.PKCS8EncodedKeySpec;
import java.util.ArrayList;
import java.util.List;
import net.handle.hdllib.*;

public class CnriWitness {
    static HandleResolver resolver = new HandleResolver();
    static SiteInfo site = new SiteInfo();
    static int protocol;

    interface Step {
        String run() throws Exception;
    }

    static void step(String name, Step step) {
        String outcome;
        try {
            outcome = step.run();
        } catch (HandleException e) {
            outcome = "exception " + e.getCode() + " " + e.getMessage();
        } catch (Exception e) {
            outcome = "exception " + e;
        }
        System.out.println(name + "\t" + outcome);
    }

    static AbstractResponse send(AbstractRequest request) throws Exception {
        return resolver.sendRequestToSite(request, site, protocol);
    }

    static String text(AbstractResponse response) {
        String more = "";
        if (response instanceof ErrorResponse) more = " " + Util.decodeString(((ErrorResponse) response).message);
        return response.responseCode + more;
    }

    static String values(AbstractResponse response) throws Exception {
        if (!(response instanceof ResolutionResponse)) return text(response);
        StringBuilder found = new StringBuilder("1");
        for (HandleValue value : ((ResolutionResponse) response).getHandleValues()) {
            found.append(' ').append(value.getIndex()).append('=').append(value.getTypeAsString());
        }
        return found.toString();
    }

    static HandleValue value(int index, String type, String data) {
        return new HandleValue(index, Util.encodeString(type), Util.encodeString(data));
    }

    static HandleValue admin(int index, String handle, int adminIndex) {
        AdminRecord record = new AdminRecord(Util.encodeString(handle), adminIndex, true, true, true, true, true, true, true, true, true, true, true, true);
        return new HandleValue(index, Util.encodeString("HS_ADMIN"), Encoder.encodeAdminRecord(record));
    }

    public static void main(String[] args) throws Exception {
        String prefix = args[3];
        protocol = args[2].equals("udp") ? Interface.SP_HDL_UDP : Interface.SP_HDL_TCP;
        ServerInfo server = new ServerInfo();
        server.serverId = 1;
        server.ipAddress = Util.fill16(InetAddress.getByName(args[0]).getAddress());
        server.publicKey = Util.encodeHexString(args[5]);
        int port = Integer.parseInt(args[1]);
        server.interfaces = new Interface[] { new Interface(Interface.ST_ADMIN_AND_QUERY, Interface.SP_HDL_UDP, port),
            new Interface(Interface.ST_ADMIN_AND_QUERY, Interface.SP_HDL_TCP, port) };
        site.servers = new ServerInfo[] { server };
        site.isPrimary = true;
        site.majorProtocolVersion = 2;
        site.minorProtocolVersion = args.length > 7 ? Byte.parseByte(args[7]) : 11;
        resolver.setCheckSignatures(true);
        // Its sessions before 2.7 use DES or a code that is the product of a mistake; challenges work without.
        if (site.minorProtocolVersion < 7) resolver.setSessionTracker(null);

        byte[] keyBytes = Files.readAllBytes(Paths.get(args[6]));
        // A key in PEM is one in DER, written in letters.
        if (keyBytes[0] == 0x2d) keyBytes = java.util.Base64.getMimeDecoder().decode(new String(keyBytes, "UTF-8").replaceAll("-----.*?-----", ""));
        PrivateKey key = KeyFactory.getInstance("RSA").generatePrivate(new PKCS8EncodedKeySpec(keyBytes));
        byte[] na = Util.encodeString("0.NA/" + prefix);
        AuthenticationInfo bySecret = new SecretKeyAuthenticationInfo(na, 300, Util.encodeString(args[4]));
        AuthenticationInfo byWrongSecret = new SecretKeyAuthenticationInfo(na, 300, Util.encodeString("wrong"));
        AuthenticationInfo byKey = new PublicKeyAuthenticationInfo(na, 301, key);
        AuthenticationInfo byStranger = new SecretKeyAuthenticationInfo(Util.encodeString(prefix + "/stranger"), 300, Util.encodeString(args[4]));
        byte[] product = Util.encodeString(prefix + "/product-1");
        String own = "-by-cnri-" + args[2] + "-" + site.minorProtocolVersion;
        byte[] made = Util.encodeString(prefix + "/made" + own), kept = Util.encodeString(prefix + "/kept" + own);
        KeyPairGenerator others = KeyPairGenerator.getInstance("RSA");
        others.initialize(2048);
        AuthenticationInfo byWrongKey = new PublicKeyAuthenticationInfo(na, 301, others.generateKeyPair().getPrivate());
        AuthenticationInfo byPowerless = new SecretKeyAuthenticationInfo(Util.encodeString(prefix + "/large"), 300, Util.encodeString(args[4]));

        step("site info", () -> {
            AbstractResponse r = send(new GenericRequest(Common.BLANK_HANDLE, AbstractMessage.OC_GET_SITE_INFO, null));
            return r instanceof GetSiteInfoResponse ? "1 servers=" + ((GetSiteInfoResponse) r).siteInfo.servers.length : text(r);
        });
        step("resolve", () -> values(send(new ResolutionRequest(product, null, null, null))));
        step("resolve certified", () -> {
            ResolutionRequest r = new ResolutionRequest(product, null, null, null);
            r.certify = true;
            r.returnRequestDigest = true;
            return values(send(r));
        });
        step("resolve by type", () -> values(send(new ResolutionRequest(product, new byte[][] { Util.encodeString("EMAIL") }, null, null))));
        step("resolve by index", () -> values(send(new ResolutionRequest(product, null, new int[] { 1 }, null))));
        step("resolve unknown", () -> values(send(new ResolutionRequest(Util.encodeString(prefix + "/none"), null, null, null))));
        step("resolve elsewhere", () -> values(send(new ResolutionRequest(Util.encodeString("99.99/none"), null, null, null))));
        step("resolve large", () -> {
            // Any way there is: what is too large for UDP is asked for again over TCP.
            resolver.setPreferredProtocols(new int[] { protocol, Interface.SP_HDL_TCP });
            AbstractRequest request = new ResolutionRequest(Util.encodeString(prefix + "/large"), null, null, null);
            return values(resolver.sendRequestToSite(request, site)).substring(0, 8);
        });
        step("resolve restricted without authentication", () -> {
            ResolutionRequest r = new ResolutionRequest(na, null, null, null);
            r.ignoreRestrictedValues = false;
            return values(send(r));
        });
        step("resolve restricted by secret", () -> {
            ResolutionRequest r = new ResolutionRequest(na, null, null, bySecret);
            r.ignoreRestrictedValues = false;
            return values(send(r));
        });
        HandleValue[] initial = { value(1, "URL", "https://example.com/cnri"), admin(100, "0.NA/" + prefix, 300),
            admin(101, "0.NA/" + prefix, 301) };
        step("create by wrong secret", () -> text(send(new CreateHandleRequest(made, initial, byWrongSecret))));
        step("create by stranger", () -> text(send(new CreateHandleRequest(made, initial, byStranger))));
        step("create by wrong RSA key", () -> text(send(new CreateHandleRequest(made, initial, byWrongKey))));
        step("create by powerless", () -> text(send(new CreateHandleRequest(made, initial, byPowerless))));
        step("create by secret", () -> text(send(new CreateHandleRequest(made, initial, bySecret))));
        step("create again", () -> text(send(new CreateHandleRequest(made, initial, bySecret))));
        step("add by secret", () -> text(send(new AddValueRequest(made, value(2, "EMAIL", "a@example.com"), bySecret))));
        step("add again", () -> text(send(new AddValueRequest(made, value(2, "EMAIL", "a@example.com"), bySecret))));
        step("modify by secret", () -> text(send(new ModifyValueRequest(made, value(2, "EMAIL", "b@example.com"), bySecret))));
        step("remove by secret", () -> text(send(new RemoveValueRequest(made, 1, bySecret))));
        step("resolve changed", () -> values(send(new ResolutionRequest(made, null, null, null))));
        step("delete by secret", () -> text(send(new DeleteHandleRequest(made, bySecret))));
        step("resolve deleted", () -> values(send(new ResolutionRequest(made, null, null, null))));
        step("create by RSA key", () -> text(send(new CreateHandleRequest(made, initial, byKey))));
        step("delete by RSA key", () -> text(send(new DeleteHandleRequest(made, byKey))));
        step("home", () -> text(send(new GenericRequest(na, AbstractMessage.OC_HOME_NA, bySecret))));
        step("list", () -> {
            List<String> handles = new ArrayList<>();
            AbstractResponse last = resolver.sendRequestToSite(new ListHandlesRequest(na, bySecret), site, Interface.SP_HDL_TCP, response -> {
                if (response instanceof ListHandlesResponse) {
                    for (byte[] handle : ((ListHandlesResponse) response).handles) handles.add(Util.decodeString(handle));
                }
            });
            return text(last) + " " + handles.size();
        });
        step("session", () -> {
            ClientSessionTracker tracker = new ClientSessionTracker();
            SessionSetupInfo info = new SessionSetupInfo();
            tracker.setSessionSetupInfo(info);
            resolver.setSessionTracker(tracker);
            String first = text(send(new CreateHandleRequest(made, initial, bySecret)));
            String second = text(send(new DeleteHandleRequest(made, bySecret)));
            resolver.setSessionTracker(null);
            return first + " " + second;
        });
        step("session encrypted", () -> {
            ClientSessionTracker tracker = new ClientSessionTracker();
            SessionSetupInfo info = new SessionSetupInfo();
            info.encrypted = true;
            info.authenticated = true;
            tracker.setSessionSetupInfo(info);
            resolver.setSessionTracker(tracker);
            String first = text(send(new CreateHandleRequest(made, initial, bySecret)));
            String second = text(send(new DeleteHandleRequest(made, bySecret)));
            resolver.setSessionTracker(null);
            return first + " " + second;
        });
        step("keep", () -> {
            HandleValue changed = value(2, "EMAIL", "b@example.com");
            return text(send(new CreateHandleRequest(kept, initial, byKey))) + " "
                + text(send(new AddValueRequest(kept, value(2, "EMAIL", "a@example.com"), byKey))) + " "
                + text(send(new ModifyValueRequest(kept, changed, byKey)));
        });
    }
}
