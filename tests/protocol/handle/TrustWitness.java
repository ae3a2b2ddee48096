// Has CNRI's Java library verify records that we have signed, and sign records that we verify; in FOLDER:
//   root.json (the trusted key), certificates.json (records), case-NAME.json (a record each), KEY.der (PKCS 8, RSA)
// writes cnri.json and cnri-certificates.json.
//   java -cp CLASSPATH TrustWitness.java FOLDER
import com.google.gson.Gson;
import java.io.File;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.Paths;
import java.security.KeyFactory;
import java.security.PrivateKey;
import java.security.PublicKey;
import java.security.interfaces.RSAPrivateCrtKey;
import java.security.spec.PKCS8EncodedKeySpec;
import java.security.spec.RSAPublicKeySpec;
import java.util.*;
import net.handle.hdllib.*;
import net.handle.hdllib.trust.*;

public class TrustWitness {
    static final Gson gson = GsonUtility.getGson();
    static Path folder;

    static String read(String name) throws Exception {
        return new String(Files.readAllBytes(folder.resolve(name)), "UTF-8");
    }

    static void write(String name, Object shown) throws Exception {
        Files.write(folder.resolve(name), gson.toJson(shown).getBytes("UTF-8"));
    }

    static PrivateKey secret(String name) throws Exception {
        byte[] data = Files.readAllBytes(folder.resolve(name + ".der"));
        return KeyFactory.getInstance("RSA").generatePrivate(new PKCS8EncodedKeySpec(data));
    }

    static PublicKey open(PrivateKey key) throws Exception {
        RSAPrivateCrtKey own = (RSAPrivateCrtKey) key;
        return KeyFactory.getInstance("RSA").generatePublic(new RSAPublicKeySpec(own.getModulus(), own.getPublicExponent()));
    }

    static HandleRecord certificate(String handle, ValueReference subject, PublicKey key, String perm, String over, ValueReference issuer, PrivateKey by) throws Exception {
        long now = System.currentTimeMillis() / 1000;
        List<Permission> perms = Collections.singletonList(new Permission(over, perm));
        JsonWebSignature jws = HandleSigner.getInstance().signPermissions(subject, key, perms, issuer, by, null, now - 60, now + 86400);
        return record(handle, value(400, "HS_CERT", jws.serialize()));
    }

    static HandleValue value(int index, String type, String data) {
        return new HandleValue(index, Util.encodeString(type), Util.encodeString(data));
    }

    static HandleRecord record(String handle, HandleValue... values) {
        return new HandleRecord(handle, Arrays.asList(values));
    }

    public static void main(String[] args) throws Exception {
        folder = Paths.get(args[0]);
        PublicKey root = gson.fromJson(read("root.json"), PublicKey.class);
        Map<String, HandleRecord> certificates = new HashMap<>();
        for (HandleRecord each : gson.fromJson(read("certificates.json"), HandleRecord[].class)) certificates.put(each.getHandle(), each);
        ChainBuilder builder = new ChainBuilder(certificates, null);
        HandleRecordTrustVerifier verifier = new HandleRecordTrustVerifier(builder, new ChainVerifier(Collections.singletonList(root)));
        File[] cases = folder.toFile().listFiles((where, name) -> name.startsWith("case-"));
        for (File each : cases) {
            HandleRecord record = gson.fromJson(read(each.getName()), HandleRecord.class);
            String name = each.getName().substring(5).replace(".json", "");
            String outcome;
            try {
                outcome = verifier.validateHandleRecord(record) ? "valid" : "refused";
            } catch (Exception e) {
                outcome = "refused " + e;
            }
            System.out.println(name + "\t" + outcome);
        }

        PrivateKey rootKey = secret("root"), above = secret("above"), own = secret("own");
        ValueReference rootName = ValueReference.fromString("300:0.0/0.0"), aboveName = ValueReference.fromString("300:0.NA/88.118"), ownName = ValueReference.fromString("300:0.NA/88.118.8");
        write("cnri-certificates.json", Arrays.asList(
            certificate("0.0/0.0", rootName, open(rootKey), Permission.EVERYTHING, null, rootName, rootKey),
            certificate("0.NA/88.118", aboveName, open(above), Permission.DERIVED_PREFIXES, "0.NA/88.118", rootName, rootKey),
            certificate("0.NA/88.118.8", ownName, open(own), Permission.HANDLES_UNDER_THIS_PREFIX, "0.NA/88.118.8", aboveName, above)));
        List<HandleValue> values = new ArrayList<>(Arrays.asList(value(1, "URL", "https://example.com/\u6cf5"), value(2, "EMAIL", "a@example.com"),
            new HandleValue(100, Util.encodeString("HS_ADMIN"), Encoder.encodeAdminRecord(new AdminRecord(Util.encodeString("0.NA/88.118.8"), 300, true, true, true, true, true, true, true, true, true, true, true, true)))));
        long now = System.currentTimeMillis() / 1000;
        JsonWebSignature jws = HandleSigner.getInstance().signHandleValues("88.118.8/Cnri-1", values, ownName, own, null, now - 60, now + 3600);
        values.add(value(400, "HS_SIGNATURE", jws.serialize()));
        write("cnri.json", new HandleRecord("88.118.8/Cnri-1", values));
        System.out.println("signed\tdone");
    }
}
