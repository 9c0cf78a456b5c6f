import type { PeerCertificate, SecureContextOptions } from 'node:tls'
import { invalidOption, RdsIamError } from '../errors'

/** Checks a server's certificate: as `tls.checkServerIdentity`, which it follows. */
export type CheckServerIdentity = (host: string, certificate: PeerCertificate) => Error | undefined

/** The caller's TLS settings that we keep: whose certificates to trust, a client certificate, versions. */
export type SslOptions = SecureContextOptions & {
  checkServerIdentity?: CheckServerIdentity | undefined
  secureContext?: import('node:tls').SecureContext | undefined
  [option: string]: unknown
}

/** Words for TLS that a driver's `ssl` or a URL's `sslmode`, PostgreSQL's or MySQL's, may hold, all meaning our default. */
const DEFAULT_WORDS = [
  'true',
  '1',
  'require',
  'verify-ca',
  'verify-full',
  'required',
  'verify-identity',
  'Amazon RDS',
]
const WEAKER_WORDS = ['', 'false', '0', 'disable', 'allow', 'prefer', 'no-verify', 'disabled', 'preferred']

const PEM_MARK = '-----BEGIN '

/** What of a client certificate is secret: its private key, alone or in a PKCS #12 file, and the passphrase of either. */
const SECRETS = ['key', 'pfx', 'passphrase'] as const

/**
 * Reads a driver's `ssl` option. The result is a copy without what would turn verification off or on. A client
 * certificate's private key is not enumerable in it: spreading the copy leaves the key out.
 *
 * @throws {RdsIamError} `TLS_REQUIRED` for anything weaker than a verified chain and host name, `INVALID_OPTION`
 */
export function readSslOption(ssl: unknown, option = 'ssl'): SslOptions {
  if (ssl === undefined || ssl === true || ssl === 1) return {}
  if (typeof ssl === 'string' && DEFAULT_WORDS.includes(ssl)) return {}
  if (!ssl || (typeof ssl === 'string' && WEAKER_WORDS.includes(ssl))) throw tlsRequired(option)
  if (typeof ssl !== 'object') throw invalidOption(option, 'give true, or an object such as { ca }')

  const { rejectUnauthorized, verifyIdentity, ...kept } = ssl as SslOptions
  if (rejectUnauthorized !== undefined && rejectUnauthorized !== true)
    throw tlsRequired(`${option}.rejectUnauthorized`)
  if (verifyIdentity !== undefined && verifyIdentity !== true) throw tlsRequired(`${option}.verifyIdentity`)
  // With a pre-shared key there is no certificate; with a session of the caller's its check would be left out.
  if (kept['pskCallback']) throw tlsRequired(`${option}.pskCallback`)
  if (kept['session']) throw tlsRequired(`${option}.session`)
  if (kept.checkServerIdentity !== undefined && typeof kept.checkServerIdentity !== 'function') {
    throw invalidOption(`${option}.checkServerIdentity`, 'give a function')
  }
  // Node passes over text that holds no certificate, and then fails to verify the server's.
  if (kept.ca && !holdsCertificates(kept.ca)) {
    throw invalidOption(`${option}.ca`, "there is no certificate in it: give PEM text, not a file's name")
  }
  return hideSecrets(withoutUndefined(kept), ssl as SslOptions)
}

/** The secrets among TLS settings, also those that are not enumerable: pg hides `key` in the caller's own object. */
export function secretsOf(ssl: SslOptions): SecureContextOptions {
  return Object.fromEntries(
    SECRETS.filter((name) => ssl[name] !== undefined).map((name) => [name, ssl[name]]),
  )
}

/** Adds the secrets among TLS settings to an object, where printing the object does not show them. */
export function hideSecrets<T extends object>(target: T, ssl: SslOptions): T {
  for (const [name, value] of Object.entries(secretsOf(ssl))) {
    Object.defineProperty(target, name, { value, enumerable: false, writable: true, configurable: true })
  }
  return target
}

/** A copy without the keys whose value is undefined: they would hide defaults. */
export function withoutUndefined<T extends object>(options: T): T {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined)) as T
}

function holdsCertificates(ca: unknown): boolean {
  const parts: unknown[] = [ca].flat()
  return (
    parts.length > 0 &&
    parts.every((part) => {
      if (ArrayBuffer.isView(part)) return Buffer.from(part as Uint8Array).includes(PEM_MARK)
      return typeof part === 'string' && part.includes(PEM_MARK)
    })
  )
}

function tlsRequired(option: string): RdsIamError {
  return new RdsIamError(
    'TLS_REQUIRED',
    `${option}: a token is only sent inside TLS with a verified certificate and host name: leave ${option} out, ` +
      'and give ssl.ca for a server with certificates of your own',
  )
}
