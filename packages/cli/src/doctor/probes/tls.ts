import { isIP, type Socket } from 'node:net'
import {
  checkServerIdentity,
  connect,
  type DetailedPeerCertificate,
  type SecureContext,
  type TLSSocket,
} from 'node:tls'
import type { Address, Engine } from '@rds-iam/core/internal'
import type { TlsObservation } from '../checks/tls'
import { ReadTimeout, requestTls } from './tls-request'

const LIMIT_MS = 5_000

/** How to open TLS. */
export interface TlsTarget {
  engine: Engine
  dial: Address
  endpoint: Address
  /** The CA certificates to trust. */
  ca: readonly string[]
  /** The application's own TLS context. It replaces `ca`. */
  secureContext: SecureContext | undefined
}

/**
 * Opens TLS on a connection, reads the certificate, and closes the connection. No data is sent, so an invalid
 * certificate is accepted.
 */
export async function probeTls(socket: Socket, target: TlsTarget): Promise<TlsObservation> {
  try {
    return (await requestTls(socket, target.engine, LIMIT_MS)) ?? (await handshake(socket, target))
  } catch (error) {
    if (error instanceof ReadTimeout) return { kind: 'silent' }
    return { kind: 'failure', reason: (error as Error).message }
  } finally {
    socket.destroy()
  }
}

function handshake(
  socket: Socket,
  { dial, endpoint, ca, secureContext }: TlsTarget,
): Promise<TlsObservation> {
  return new Promise((resolve, reject) => {
    // Check the name separately, so that Node's error is about the chain.
    const checkServerIdentity = (): undefined => undefined
    const secure = connect({
      socket,
      ca: [...ca],
      secureContext,
      rejectUnauthorized: false,
      checkServerIdentity,
      servername: isIP(endpoint.host) ? undefined : endpoint.host,
    })
    const timer = setTimeout(() => reject(new ReadTimeout()), LIMIT_MS)
    secure.once('error', reject).once('close', () => {
      clearTimeout(timer)
      reject(new Error('the server closes the connection'))
    })
    secure.once('secureConnect', () => {
      resolve(observe(secure, dial, endpoint))
      secure.destroy()
    })
  })
}

function observe(secure: TLSSocket, dial: Address, endpoint: Address): TlsObservation {
  const certificate = secure.getPeerCertificate(true)
  const top = topOf(certificate)
  const { authorizationError } = secure as { authorizationError?: Error | string | null }
  const nameError = checkServerIdentity(endpoint.host, certificate)
  return {
    kind: 'certificate',
    protocol: secure.getProtocol() ?? 'TLS',
    names: namesOf(certificate),
    issuer: nameOf(certificate.issuer),
    root: nameOf(top.issuer),
    validFrom: certificate.valid_from,
    validTo: certificate.valid_to,
    chainError: authorizationError ? codeOf(authorizationError) : undefined,
    nameError: nameError?.message,
    coversDialled: checkServerIdentity(dial.host, certificate) === undefined,
  }
}

// The code, or an error with the code, depending on the version of Node.
function codeOf(error: Error | string): string {
  return typeof error === 'string' ? error : ((error as NodeJS.ErrnoException).code ?? error.message)
}

function topOf(certificate: DetailedPeerCertificate): DetailedPeerCertificate {
  const seen = new Set<DetailedPeerCertificate>()
  let top = certificate
  while (top.issuerCertificate && !seen.has(top)) {
    seen.add(top)
    top = top.issuerCertificate
  }
  return top
}

function namesOf({ subject, subjectaltname }: DetailedPeerCertificate): string[] {
  const names = (subjectaltname ?? '')
    .split(', ')
    .flatMap((name) => /^(?:DNS|IP Address):(.*)$/.exec(name)?.[1] ?? [])
  return names.length > 0 ? names : [nameOf(subject)]
}

function nameOf(subject: { CN?: string | string[]; O?: string | string[] } | undefined): string {
  return [subject?.CN ?? subject?.O ?? 'a CA without a name'].flat().join(' ')
}
