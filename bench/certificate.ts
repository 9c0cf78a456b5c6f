import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { generate } from 'selfsigned'

/** Files of a server certificate for `localhost`, with a P-256 key like the endpoint's. */
export interface CertificateFiles {
  cert: string
  key: string
  /** The CA certificate for clients, in PEM. */
  ca: string
}

export async function createCertificateFiles(directory: string): Promise<CertificateFiles> {
  const [cert, key] = [join(directory, 'server.crt'), join(directory, 'server.key')]
  const made = await generate([{ name: 'commonName', value: 'localhost' }], {
    keyType: 'ec',
    curve: 'P-256',
    algorithm: 'sha256',
    extensions: [
      { name: 'basicConstraints', cA: true },
      { name: 'subjectAltName', altNames: [{ type: 2, value: 'localhost' }] },
    ],
  })
  writeFileSync(cert, made.cert)
  writeFileSync(key, made.private, { mode: 0o600 })
  return { cert, key, ca: made.cert }
}
