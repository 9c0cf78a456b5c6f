import { checkServerIdentity, type PeerCertificate, type TLSSocket } from 'node:tls'
import { RdsIamError } from '../errors'
import type { CheckServerIdentity } from './ssl-option'

/** Checks that a certificate is the endpoint's, then whatever the caller checks beyond it. */
export function checkCertificate(
  host: string,
  certificate: PeerCertificate,
  alsoCheck: CheckServerIdentity | undefined,
): Error | undefined {
  return checkServerIdentity(host, certificate) ?? alsoCheck?.(host, certificate)
}

/**
 * The last look before a token leaves: the socket must be TLS and its certificate chain verified.
 *
 * @throws {RdsIamError} `TLS_REQUIRED`
 */
export function requireTls(socket: unknown): asserts socket is TLSSocket {
  const { encrypted, authorized } = (socket ?? {}) as Partial<TLSSocket>
  if (encrypted !== true || authorized !== true) {
    throw new RdsIamError(
      'TLS_REQUIRED',
      'ssl: the server asks for the token outside verified TLS: no token was sent; do not change `ssl` behind rds-iam',
    )
  }
}

/**
 * The same for the host name, where the driver did not check it as we asked.
 *
 * @throws {RdsIamError} `TLS_REQUIRED`, with Node's error as its cause; always for a session that was resumed,
 * which shows no certificate.
 */
export function requireCertificateOf(
  host: string,
  socket: TLSSocket,
  alsoCheck: CheckServerIdentity | undefined,
): void {
  if (socket.isSessionReused()) {
    throw new RdsIamError(
      'TLS_REQUIRED',
      `ssl: a resumed TLS session shows no certificate, so it is not known to be one of ${host}: no token was sent; ` +
        'hand on `ssl` and `stream` as rds-iam made them',
    )
  }
  const cause = checkCertificate(host, socket.getPeerCertificate(true), alsoCheck)
  if (!cause) return
  throw new RdsIamError('TLS_REQUIRED', `ssl: the certificate is not one of ${host}: no token was sent`, {
    cause,
  })
}
