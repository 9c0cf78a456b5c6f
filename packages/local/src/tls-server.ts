import type { Socket } from 'node:net'
import { TLSSocket, type SecureContext } from 'node:tls'
import { ProtocolError } from './byte-reader'

/**
 * Accepts the TLS handshake of a client on a socket whose unread bytes begin with it.
 *
 * @throws {ProtocolError} when the handshake fails.
 */
export function acceptTls(
  socket: Socket,
  secureContext: SecureContext,
  ALPNProtocols: string[] = [],
): Promise<TLSSocket> {
  return new Promise((resolve, reject) => {
    const secure = new TLSSocket(socket, {
      isServer: true,
      secureContext,
      ...(ALPNProtocols.length === 0 ? {} : { ALPNProtocols }),
    })
    const fail = (): void => {
      secure.destroy()
      reject(new ProtocolError('the TLS handshake failed'))
    }
    // A client that rejects the certificate closes the connection; Node reports that only to a reader.
    const notice = (): void => void secure.read(0)
    secure.on('error', fail)
    secure.once('close', fail).once('end', fail).on('readable', notice)
    // If the end was read before TLS took over, only the socket reports it.
    socket.once('end', fail).read(0)
    secure.once('secure', () => {
      socket.off('end', fail)
      secure.off('close', fail).off('end', fail).off('readable', notice)
      resolve(secure)
    })
  })
}
