// Has CAICT's ID-SDK sign claims by a key of SM2; prints the signature and the key as it writes it.
//   java -cp CLASSPATH CaictSignatureWitness.java KEY.der KEY.der.pub      (PKCS 8, SubjectPublicKeyInfo)
import cn.ac.caict.iiiiot.id.client.security.SignatureStructImpl;
import cn.ac.caict.iiiiot.id.client.utils.JsonWorker;
import cn.hutool.crypto.SecureUtil;
import java.io.OutputStream;
import java.io.PrintStream;
import java.nio.file.Files;
import java.nio.file.Paths;
import java.security.PrivateKey;
import java.security.PublicKey;

public class CaictSignatureWitness {
    public static void main(String[] args) throws Exception {
        PrintStream out = System.out;
        // The library prints what it signs.
        System.setOut(new PrintStream(OutputStream.nullOutputStream()));
        PrivateKey key = SecureUtil.generatePrivateKey("SM2", Files.readAllBytes(Paths.get(args[0])));
        PublicKey open = SecureUtil.generatePublicKey("SM2", Files.readAllBytes(Paths.get(args[1])));
        out.println("signed\t" + new SignatureStructImpl("{\"iss\":\"300:0.NA/88.118.8\",\"sub\":\"88.118.8/x\"}", key).getSignatureString());
        out.println("key\t" + JsonWorker.getGson().toJson(open, PublicKey.class));
        System.exit(0);
    }
}
