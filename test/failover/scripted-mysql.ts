import { once } from 'node:events'
import { createServer, type AddressInfo, type Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { createSecureContext, TLSSocket } from 'node:tls'
import { generate } from 'selfsigned'

/** A MySQL server that answers as the test says. */
export interface ScriptedMysql {
  port: number
  ca: string
  /** The payloads that it received inside TLS. */
  received: string[]
  /** Resolves when no client is connected. */
  allClosed(): Promise<void>
  close(): Promise<void>
}

const SSL_REQUEST_BYTES = 36

/**
 * Starts a server for `localhost`. `answer` gets the payload of each packet inside TLS, and returns the payloads of the
 * answer.
 */
export async function startScriptedMysql(
  answer: (payload: Buffer) => Buffer[],
  { offersTls = true } = {},
): Promise<ScriptedMysql> {
  const { cert, private: key } = await generate([{ name: 'commonName', value: 'localhost' }], {
    extensions: [
      { name: 'basicConstraints', cA: true, critical: true },
      { name: 'subjectAltName', altNames: [{ type: 2, value: 'localhost' }] },
    ],
  })
  const secureContext = createSecureContext({ cert, key })
  const received: string[] = []
  const sockets = new Set<Socket>()
  const server = createServer((socket) => {
    sockets.add(socket)
    socket.once('close', () => sockets.delete(socket))
    socket.on('error', () => {})
    socket.write(packet(0, greeting(offersTls)))
    socket.once('data', (chunk: Buffer) => {
      // The chunk may contain the client's first TLS bytes after its SSLRequest.
      socket.pause()
      socket.unshift(chunk.subarray(SSL_REQUEST_BYTES))
      serve(new TLSSocket(socket, { isServer: true, secureContext }))
    })
  })
  function serve(stream: Duplex): void {
    stream.on('error', () => {})
    stream.on('data', (chunk: Buffer) => {
      const payload = chunk.subarray(4)
      received.push(payload.toString('latin1'))
      let sequence = chunk.readUInt8(3)
      for (const part of answer(payload)) stream.write(packet(++sequence, part))
    })
  }
  server.listen(0, 'localhost')
  await once(server, 'listening')
  return {
    port: (server.address() as AddressInfo).port,
    ca: cert,
    received,
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

export const OK = Buffer.from([0, 0, 0, 2, 0, 0, 0])

export function error(errno: number, message: string): Buffer {
  return Buffer.concat([Buffer.from([0xff, errno & 0xff, errno >> 8]), Buffer.from(`#HY000${message}`)])
}

export function authSwitch(plugin: string): Buffer {
  return Buffer.concat([Buffer.from([0xfe]), Buffer.from(`${plugin}\0abcdefghijklmnopqrst\0`)])
}

/** The payloads of a result in the text protocol. */
export function result(...rows: (string | null)[][]): Buffer[] {
  const columns = rows[0]?.length ?? 1
  const end = Buffer.from([0xfe, 0, 0, 2, 0])
  return [
    Buffer.from([columns]),
    ...Array.from({ length: columns }, () => Buffer.from('\u0003def')),
    end,
    ...rows.map((row) => Buffer.concat(row.map(encodeValue))),
    end,
  ]
}

function encodeValue(value: string | null): Buffer {
  return value === null
    ? Buffer.from([0xfb])
    : Buffer.concat([Buffer.from([value.length]), Buffer.from(value)])
}

function packet(sequence: number, payload: Buffer): Buffer {
  return Buffer.concat([Buffer.from([payload.length, 0, 0, sequence & 0xff]), payload])
}

function greeting(offersTls: boolean): Buffer {
  const settings = Buffer.alloc(18)
  settings.writeUInt16LE(offersTls ? 0x8a01 : 0x8201, 0)
  settings.writeUInt16LE(0x8, 5)
  return Buffer.concat([
    Buffer.from('\n8.0.39\0'),
    Buffer.from([1, 0, 0, 0]),
    Buffer.from('abcdefgh\0'),
    settings,
    Buffer.from('abcdefghijkl\0mysql_native_password\0'),
  ])
}
