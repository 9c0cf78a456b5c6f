import { once } from 'node:events'
import { createServer, type AddressInfo, type Socket } from 'node:net'
import { TLSSocket } from 'node:tls'
import { createLocalhostCertificate } from './localhost-certificate'

const LONG_PASSWORD = 0x1
const PROTOCOL_41 = 0x200
const SSL = 0x800
const SECURE_CONNECTION = 0x8000
const PLUGIN_AUTH = 0x80000
const SSL_REQUEST_BYTES = 36

/** A server for `localhost` that sends a greeting, starts TLS, and then runs a function of the test. */
export interface MysqlStandIn {
  port: number
  /** The certificate that clients must trust, as PEM. */
  ca: string
  /** Resolves when no client is connected. */
  allClosed(): Promise<void>
  close(): Promise<void>
}

/** Starts a server. `serve` gets each connection when TLS starts. */
export async function startMysqlStandIn(
  firstPacket: Buffer,
  serve: (stream: TLSSocket) => void,
): Promise<MysqlStandIn> {
  const { ca, secureContext } = await createLocalhostCertificate()
  const sockets = new Set<Socket>()
  const server = createServer((socket) => {
    sockets.add(socket)
    socket.once('close', () => sockets.delete(socket))
    socket.on('error', () => {})
    socket.write(packet(0, firstPacket))
    socket.once('data', (chunk: Buffer) => {
      // The chunk may contain the client's first TLS bytes after its SSLRequest.
      socket.pause()
      socket.unshift(chunk.subarray(SSL_REQUEST_BYTES))
      const stream = new TLSSocket(socket, { isServer: true, secureContext })
      stream.on('error', () => {})
      serve(stream)
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    port: (server.address() as AddressInfo).port,
    ca,
    async allClosed() {
      for (const socket of sockets) await once(socket, 'close')
    },
    async close() {
      server.close()
      for (const socket of sockets) socket.destroy()
      await once(server, 'close')
    },
  }
}

/** Encodes a packet with its number. */
export function packet(number: number, payload: Buffer): Buffer {
  return Buffer.concat([Buffer.from([payload.length & 255, payload.length >> 8, 0, number & 255]), payload])
}

/** The payload of a server's first packet. */
export function greeting(
  version: string,
  plugin: string,
  { offersTls = true, scramble = Buffer.from('abcdefghijklmnopqrst'), moreFlags = 0 } = {},
): Buffer {
  const flags =
    LONG_PASSWORD | PROTOCOL_41 | SECURE_CONNECTION | PLUGIN_AUTH | (offersTls ? SSL : 0) | moreFlags
  const settings = Buffer.alloc(18)
  settings.writeUInt16LE(flags & 0xffff, 0)
  settings.writeUInt8(33, 2)
  settings.writeUInt16LE(2, 3)
  settings.writeUInt16LE(flags >>> 16, 5)
  settings.writeUInt8(scramble.length + 1, 7)
  return Buffer.concat([
    Buffer.from(`\n${version}\0`),
    Buffer.from([1, 0, 0, 0]),
    scramble.subarray(0, 8),
    Buffer.alloc(1),
    settings,
    scramble.subarray(8),
    Buffer.from(`\0${plugin}\0`),
  ])
}
