# A device makes its key and gets its certificate with a one-time code, by EST (RFC 7030) with curl and openssl.
millwright devices add kiln-3 --json > kiln-3.json
CODE=$(millwright certificates code kiln-3)

# On the device: the key never leaves it.
openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj / -keyout kiln-3.key -out kiln-3.csr
curl -sS --fail -u "kiln-3:$CODE" -H 'Content-Type: application/pkcs10' --data-binary @kiln-3.csr \
  "$MILLWRIGHT_URL/.well-known/est/simpleenroll" | base64 -d | openssl pkcs7 -inform DER -print_certs -out kiln-3.pem

# Whoever trusts the root believes the certificate.
curl -sS --fail "$MILLWRIGHT_URL/api/v1/certificates/root" > root.pem
curl -sS --fail "$MILLWRIGHT_URL/.well-known/est/cacerts" | base64 -d | openssl pkcs7 -inform DER -print_certs -out ca.pem
openssl verify -CAfile root.pem -untrusted ca.pem kiln-3.pem
millwright certificates list kiln-3
