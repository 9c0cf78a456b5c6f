import { createSecureContext, type SecureContext } from 'node:tls'
import { generate } from 'selfsigned'

/** Creates a self-signed certificate for localhost. Returns it as PEM, with a TLS context for a server. */
export async function createLocalhostCertificate(): Promise<{ ca: string; secureContext: SecureContext }> {
  const { cert, private: key } = await generate([{ name: 'commonName', value: 'localhost' }], {
    extensions: [
      { name: 'basicConstraints', cA: true, critical: true },
      { name: 'subjectAltName', altNames: [{ type: 2, value: 'localhost' }] },
    ],
  })
  return { ca: cert, secureContext: createSecureContext({ cert, key }) }
}
