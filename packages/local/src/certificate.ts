import { randomBytes } from 'node:crypto'
import { isIP } from 'node:net'
import { generate } from 'selfsigned'

/** A CA that exists for one endpoint. */
export type Authority = Awaited<ReturnType<typeof createAuthority>>

// Fixed dates: the certificate is also valid for a client whose clock is mocked or wrong.
const VALIDITY = { notBeforeDate: new Date('2020-01-01'), notAfterDate: new Date('2045-01-01') }
const KEY = { keyType: 'ec', curve: 'P-256', algorithm: 'sha256' } as const

/**
 * Creates a CA.
 *
 * Its certificates are valid from 2020 to 2045, with P-256 keys; nothing is written to disk.
 */
export async function createAuthority() {
  // A unique name: of two CAs with the same name in one file OpenSSL tries only the first.
  const name = `rds-iam local CA ${randomBytes(6).toString('hex')}`
  const authority = await generate([{ name: 'commonName', value: name }], {
    ...VALIDITY,
    ...KEY,
    extensions: [
      { name: 'basicConstraints', cA: true, critical: true },
      { name: 'keyUsage', keyCertSign: true, cRLSign: true, critical: true },
    ],
  })
  return {
    /** Its certificate in PEM, for clients to trust. */
    ca: `${authority.cert.trim()}\n`,
    /** Issues a server certificate for the given host names and IP addresses; also its key, in PEM. */
    async issue(hosts: readonly string[]) {
      const server = await generate([{ name: 'commonName', value: 'rds-iam local endpoint' }], {
        ...VALIDITY,
        ...KEY,
        ca: { key: authority.private, cert: authority.cert },
        extensions: [
          { name: 'basicConstraints', cA: false, critical: true },
          { name: 'keyUsage', digitalSignature: true, critical: true },
          { name: 'extKeyUsage', serverAuth: true },
          { name: 'subjectAltName', altNames: [...new Set(hosts)].map(alternativeName) },
        ],
      })
      return { cert: server.cert, key: server.private }
    },
  }
}

function alternativeName(host: string): { type: 2; value: string } | { type: 7; ip: string } {
  const bare = host.replace(/^\[|\]$/g, '')
  return isIP(bare) === 0 ? { type: 2, value: bare } : { type: 7, ip: bare }
}
