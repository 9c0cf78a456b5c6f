import type { Socket } from 'node:net'
import { TLSSocket, type SecureContext } from 'node:tls'
import { ProtocolError } from './byte-reader'

/**
 * Answers the TLS handshake of a client on a socket whose unread bytes begin with it.
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
    // A client that does not like the certificate just goes away: its end shows only to who reads.
    const notice = (): void => void secure.read(0)
    secure.on('error', fail)
    secure.once('close', fail).once('end', fail).on('readable', notice)
    // An end that was read before TLS took over shows on the socket alone.
    socket.once('end', fail).read(0)
    secure.once('secure', () => {
      socket.off('end', fail)
      secure.off('close', fail).off('end', fail).off('readable', notice)
      resolve(secure)
    })
  })
}
