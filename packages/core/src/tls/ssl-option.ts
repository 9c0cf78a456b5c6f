import type { PeerCertificate, SecureContextOptions } from 'node:tls'
import { invalidOption, RdsIamError } from '../errors'

/** The caller's additional check of a server's certificate. Called after `tls.checkServerIdentity`. */
export type CheckServerIdentity = (host: string, certificate: PeerCertificate) => Error | undefined

/** The caller's TLS settings that we keep: CA certificates, a client certificate, TLS versions. */
export type SslOptions = SecureContextOptions & {
  checkServerIdentity?: CheckServerIdentity | undefined
  secureContext?: import('node:tls').SecureContext | undefined
  [option: string]: unknown
}

/** Values of a driver's `ssl` or a URL's `sslmode`, for PostgreSQL and MySQL, that all mean our default. */
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

/** The secret options: a client certificate's private key, in PEM or PKCS #12 form, and its passphrase. */
const SECRETS = ['key', 'pfx', 'passphrase'] as const

/**
 * Reads a driver's `ssl` option. Returns a copy without the options that turn verification on or off. In the copy a
 * client certificate's private key is not enumerable: spreading the copy leaves the key out.
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
  // A PSK means no certificate, and resuming a caller-supplied session would skip the check.
  if (kept['pskCallback']) throw tlsRequired(`${option}.pskCallback`)
  if (kept['session']) throw tlsRequired(`${option}.session`)
  if (kept.checkServerIdentity !== undefined && typeof kept.checkServerIdentity !== 'function') {
    throw invalidOption(`${option}.checkServerIdentity`, 'give a function')
  }
  // Node ignores text without a certificate. The login would fail later, with an unclear error.
  if (kept.ca && !holdsCertificates(kept.ca)) {
    throw invalidOption(`${option}.ca`, 'contains no certificate: give PEM text, not a file name')
  }
  return hideSecrets(withoutUndefined(kept), ssl as SslOptions)
}

/** The secret options among TLS settings, enumerable or not: pg makes `key` non-enumerable in the caller's object. */
export function secretsOf(ssl: SslOptions): SecureContextOptions {
  return Object.fromEntries(
    SECRETS.filter((name) => ssl[name] !== undefined).map((name) => [name, ssl[name]]),
  )
}

/** Adds the secret options of `ssl` to an object as non-enumerable properties, which printing does not show. */
export function hideSecrets<T extends object>(target: T, ssl: SslOptions): T {
  for (const [name, value] of Object.entries(secretsOf(ssl))) {
    Object.defineProperty(target, name, { value, enumerable: false, writable: true, configurable: true })
  }
  return target
}

/** Copies an object without its undefined values, which would override defaults. */
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
      'and give ssl.ca if your own CA signed the server certificate',
  )
}
