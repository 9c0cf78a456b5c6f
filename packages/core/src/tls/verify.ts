import { checkServerIdentity, type PeerCertificate, type TLSSocket } from 'node:tls'
import { RdsIamError } from '../errors'
import type { CheckServerIdentity } from './ssl-option'

/** Checks that a certificate is valid for a host, then calls the caller's own check. */
export function checkCertificate(
  host: string,
  certificate: PeerCertificate,
  alsoCheck: CheckServerIdentity | undefined,
): Error | undefined {
  return checkServerIdentity(host, certificate) ?? alsoCheck?.(host, certificate)
}

/**
 * The last check before a token is sent: the socket must use TLS with a verified certificate chain.
 *
 * @throws {RdsIamError} `TLS_REQUIRED`
 */
export function requireTls(socket: unknown): asserts socket is TLSSocket {
  const { encrypted, authorized } = (socket ?? {}) as Partial<TLSSocket>
  if (encrypted !== true || authorized !== true) {
    throw new RdsIamError(
      'TLS_REQUIRED',
      'ssl: the connection has no verified TLS: no token was sent. Do not change `ssl` after rds-iam has set it',
    )
  }
}

/**
 * Checks the host name in the certificate of a socket, for connections where the driver did not check it.
 *
 * @throws {RdsIamError} `TLS_REQUIRED`, with Node's error as its cause. Always throws for a resumed TLS session, which
 * has no certificate to check.
 */
export function requireCertificateOf(
  host: string,
  socket: TLSSocket,
  alsoCheck: CheckServerIdentity | undefined,
): void {
  if (socket.isSessionReused()) {
    throw new RdsIamError(
      'TLS_REQUIRED',
      `ssl: cannot verify ${host} on a resumed TLS session: no token was sent. ` +
        'Pass `ssl` and `stream` to the driver unchanged',
    )
  }
  const cause = checkCertificate(host, socket.getPeerCertificate(true), alsoCheck)
  if (!cause) return
  throw new RdsIamError(
    'TLS_REQUIRED',
    `ssl: the server's certificate is not valid for ${host}: no token was sent`,
    {
      cause,
    },
  )
}
