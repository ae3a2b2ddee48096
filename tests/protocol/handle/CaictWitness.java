// Drives CAICT's ID-SDK against a server of ours; prints one line for each operation.
//   java -cp CLASSPATH CaictWitness.java HOST PORT tcp|udp PREFIX RSA_KEY.pem WRONG_KEY.pem
import cn.ac.caict.iiiiot.id.client.core.BaseResponse;
import cn.ac.caict.iiiiot.id.client.core.ErrorResponse;
import cn.ac.caict.iiiiot.id.client.core.IdentifierException;
import cn.ac.caict.iiiiot.id.client.core.ResolutionResponse;
import cn.ac.caict.iiiiot.id.client.core.SiteResponse;
import cn.ac.caict.iiiiot.id.client.data.AdminInfo;
import cn.ac.caict.iiiiot.id.client.data.IdentifierValue;
import cn.ac.caict.iiiiot.id.client.data.MsgSettings;
import cn.ac.caict.iiiiot.id.client.service.IIDManageServiceChannel;
import cn.ac.caict.iiiiot.id.client.service.impl.ChannelManageServiceImpl;
import cn.ac.caict.iiiiot.id.client.utils.IdentifierValueUtil;
import java.io.OutputStream;
import java.io.PrintStream;

public class CaictWitness {
    static PrintStream out = System.out;

    interface Step {
        BaseResponse run() throws Exception;
    }

    static void step(String name, Step step) {
        String outcome;
        try {
            BaseResponse response = step.run();
            if (response == null) {
                outcome = "nothing";
            } else {
                outcome = "" + response.responseCode;
                if (response instanceof ErrorResponse) outcome += " " + new String(((ErrorResponse) response).message, "UTF-8");
                if (response instanceof SiteResponse) outcome += " servers=" + ((SiteResponse) response).getSiteInfo().servers.length;
                if (response instanceof ResolutionResponse) {
                    for (IdentifierValue value : ((ResolutionResponse) response).getAllIDValues()) {
                        outcome += " " + value.index + "=" + value.getTypeStr();
                    }
                }
            }
        } catch (IdentifierException e) {
            outcome = "exception " + e.getExceptionCode() + " " + e.getMessage();
        } catch (Exception e) {
            outcome = "exception " + e;
        }
        out.println(name + "\t" + outcome);
    }

    static IdentifierValue value(int index, String type, String data) throws Exception {
        IdentifierValue made = new IdentifierValue();
        IdentifierValueUtil.makeIdentifierValueOfGeneralType(made, type, index, data);
        return made;
    }

    public static void main(String[] args) throws Exception {
        // The library prints a banner and much else.
        System.setOut(new PrintStream(OutputStream.nullOutputStream()));
        String prefix = args[3], made = prefix + "/made-by-id-sdk", kept = prefix + "/kept-by-id-sdk", na = "0.NA/" + prefix;
        MsgSettings plain = new MsgSettings(), certified = new MsgSettings();
        certified.setCertify(true);
        certified.setReturnRequestDigest(true);
        IIDManageServiceChannel channel = new ChannelManageServiceImpl().generateChannel(args[0], Integer.parseInt(args[1]), args[2]);
        step("site info", () -> channel.getServerSiteInfo(plain));
        step("resolve", () -> channel.lookupIdentifier(prefix + "/product-1", null, null, plain));
        step("resolve by type", () -> channel.lookupIdentifier(prefix + "/product-1", null, new String[] { "EMAIL" }, plain));
        step("resolve by index", () -> channel.lookupIdentifier(prefix + "/product-1", new int[] { 1 }, null, plain));
        step("resolve unknown", () -> channel.lookupIdentifier(prefix + "/none", null, null, plain));
        if (args[2].equalsIgnoreCase("udp")) System.exit(0);
        step("resolve certified", () -> channel.lookupIdentifier(prefix + "/product-1", null, null, certified));
        AdminInfo admin = new AdminInfo();
        admin.admId = na.getBytes("UTF-8");
        admin.admIdIndex = 301;
        admin.initPermissions(true, true, true, true, true, true, true, true, true, true, true, true);
        IdentifierValue administrator = new IdentifierValue();
        IdentifierValueUtil.makeIdentifierValueOfAdminInfo(administrator, admin, 100);
        IdentifierValue[] initial = { value(1, "URL", "https://example.com/id-sdk"), administrator };
        step("create before login", () -> channel.createIdentifier(made, initial, plain));
        step("login by wrong key", () -> channel.login(na, 301, args[5], null, 3));
        step("login", () -> channel.login(na, 301, args[4], null, 3));
        step("create", () -> channel.createIdentifier(made, initial, plain));
        step("create again", () -> channel.createIdentifier(made, initial, plain));
        step("add", () -> channel.addIdentifierValues(made, new IdentifierValue[] { value(2, "EMAIL", "a@example.com") }, plain));
        step("modify", () -> channel.modifyIdentifierValues(made, new IdentifierValue[] { value(2, "EMAIL", "b@example.com") }, plain));
        step("remove", () -> channel.removeIdentifierValues(made, new int[] { 1 }, plain));
        step("resolve changed", () -> channel.lookupIdentifier(made, null, null, plain));
        step("delete", () -> channel.deleteIdentifier(made, plain));
        step("resolve deleted", () -> channel.lookupIdentifier(made, null, null, plain));
        step("keep", () -> channel.createIdentifier(kept, initial, plain));
        System.exit(0);
    }
}
