import { once } from 'node:events'
import { createServer, type AddressInfo } from 'node:net'
import { createSecureContext, TLSSocket } from 'node:tls'
import { generate } from 'selfsigned'

const CLIENT_SSL = 0x800
const SSL_REQUEST_BYTES = 36
const OTHER_FLAGS = 0x88201

/** A MariaDB server that greets, starts TLS, and then does what its test says. */
export interface ClearPasswordServer {
  port: number
  /** Certificate that clients are to trust, for the name localhost, in PEM. */
  ca: string
  close(): Promise<void>
}

/** Starts a server. `serve` gets each connection when TLS starts. */
export async function startClearPasswordServer(
  serve: (secure: TLSSocket) => void,
): Promise<ClearPasswordServer> {
  const { cert, private: key } = await generate([{ name: 'commonName', value: 'localhost' }], {
    extensions: [
      { name: 'basicConstraints', cA: true, critical: true },
      { name: 'subjectAltName', altNames: [{ type: 2, value: 'localhost' }] },
    ],
  })
  const secureContext = createSecureContext({ cert, key })
  const server = createServer((socket) => {
    socket.on('error', () => {})
    socket.write(packet(0, greeting()))
    socket.once('data', (chunk: Buffer) => {
      // The chunk may contain the client's first TLS bytes after its SSLRequest.
      socket.pause()
      socket.unshift(chunk.subarray(SSL_REQUEST_BYTES))
      const secure = new TLSSocket(socket, { isServer: true, secureContext })
      secure.on('error', () => {})
      serve(secure)
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    port: (server.address() as AddressInfo).port,
    ca: cert,
    async close() {
      server.close()
      await once(server, 'close')
    },
  }
}

/** A packet of the protocol with its number. */
export function packet(number: number, payload: Buffer): Buffer {
  return Buffer.concat([Buffer.from([payload.length, 0, 0, number]), payload])
}

/** The first packet of a MariaDB server that requests a clear-text password immediately. */
function greeting(): Buffer {
  const settings = Buffer.alloc(18)
  settings.writeUInt16LE((OTHER_FLAGS | CLIENT_SSL) & 0xffff, 0)
  settings.writeUInt8(33, 2)
  settings.writeUInt16LE(2, 3)
  settings.writeUInt16LE(OTHER_FLAGS >>> 16, 5)
  settings.writeUInt8(21, 7)
  return Buffer.concat([
    Buffer.from('\u000a5.5.5-10.11.9-MariaDB\0'),
    Buffer.from([1, 0, 0, 0]),
    Buffer.from('abcdefgh\0'),
    settings,
    Buffer.from('abcdefghijkl\0mysql_clear_password\0'),
  ])
}
