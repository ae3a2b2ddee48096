/** Passkeys in the browser: JSON of WebAuthn §5.1 in, JSON out, for browsers that cannot convert it themselves too. */

export const passkeysWork = (): boolean => window.isSecureContext && typeof PublicKeyCredential === "function";

/** The person closed the browser's dialogue, or has no passkey for this node. */
export class NoPasskey extends Error {}

const toBytes = (text: string): ArrayBuffer => {
  const plain = atob(text.replace(/-/g, "+").replace(/_/g, "/"));
  return Uint8Array.from(plain, (each) => each.charCodeAt(0)).buffer;
};

const toText = (bytes: ArrayBuffer | null): string | null =>
  bytes && btoa(String.fromCharCode(...new Uint8Array(bytes))).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");

interface Described { id: string; type: "public-key"; transports?: AuthenticatorTransport[] }
interface CreationJson extends Omit<PublicKeyCredentialCreationOptions, "challenge" | "user" | "excludeCredentials"> {
  challenge: string; user: { id: string; name: string; displayName: string }; excludeCredentials?: Described[];
}
interface RequestJson extends Omit<PublicKeyCredentialRequestOptions, "challenge" | "allowCredentials"> { challenge: string; allowCredentials?: Described[] }

const described = (list: Described[] = []): PublicKeyCredentialDescriptor[] => list.map((each) => ({ ...each, id: toBytes(each.id) }));

async function asked<T>(work: Promise<T | null>): Promise<T> {
  try {
    const found = await work;
    if (found) return found;
  } catch (error) {
    if (!(error instanceof DOMException)) throw error;
    throw new NoPasskey(error.message);
  }
  throw new NoPasskey();
}

/** Makes a passkey. @throws NoPasskey */
export async function createPasskey(options: unknown): Promise<Record<string, unknown>> {
  const json = options as CreationJson;
  const publicKey: PublicKeyCredentialCreationOptions = {
    ...json, challenge: toBytes(json.challenge), user: { ...json.user, id: toBytes(json.user.id) }, excludeCredentials: described(json.excludeCredentials),
  };
  const made = (await asked(navigator.credentials.create({ publicKey }))) as PublicKeyCredential;
  const response = made.response as AuthenticatorAttestationResponse;
  return {
    id: made.id, rawId: toText(made.rawId), type: made.type, clientExtensionResults: made.getClientExtensionResults(),
    response: { clientDataJSON: toText(response.clientDataJSON), attestationObject: toText(response.attestationObject) },
  };
}

/** Lets the person choose a passkey of this node and sign with it. @throws NoPasskey */
export async function signByPasskey(options: unknown): Promise<Record<string, unknown>> {
  const json = options as RequestJson;
  const publicKey: PublicKeyCredentialRequestOptions = { ...json, challenge: toBytes(json.challenge), allowCredentials: described(json.allowCredentials) };
  const shown = (await asked(navigator.credentials.get({ publicKey }))) as PublicKeyCredential;
  const response = shown.response as AuthenticatorAssertionResponse;
  return {
    id: shown.id, rawId: toText(shown.rawId), type: shown.type, clientExtensionResults: shown.getClientExtensionResults(),
    response: {
      clientDataJSON: toText(response.clientDataJSON), authenticatorData: toText(response.authenticatorData), signature: toText(response.signature),
      userHandle: toText(response.userHandle),
    },
  };
}
