import { once } from 'node:events'
import { connect, createServer, type AddressInfo, type Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { TLSSocket } from 'node:tls'
import type { Engine } from '@rds-iam/local'
import { createLocalhostCertificate } from '../support/localhost-certificate'

/** TLS in front of a real server whose users have passwords, like an RDS user without rds_iam. */
export interface TlsFront {
  port: number
  ca: string
  /** The SHA-256 fingerprints of the certificates that clients showed. */
  clientCertificates: string[]
  close(): Promise<void>
}

const CLIENT_SSL = 0x800
const HEADER = 4
const SSL_REQUEST = 36

export async function startTlsFront(engine: Engine, backendUrl: string): Promise<TlsFront> {
  const { ca, secureContext } = await createLocalhostCertificate()
  const { hostname, port } = new URL(backendUrl)
  const sockets = new Set<Socket>()
  const clientCertificates: string[] = []
  const server = createServer((client) => {
    const backend = connect(Number(port), hostname)
    for (const socket of [client, backend]) {
      sockets.add(socket)
      socket.on('error', () => {})
    }
    client.once('close', () => backend.destroy())
    backend.once('close', () => client.end())
    const secured = () => {
      const secure = new TLSSocket(client, { isServer: true, secureContext, requestCert: true })
      secure.once('secure', () => {
        const { fingerprint256 } = secure.getPeerCertificate()
        if (fingerprint256) clientCertificates.push(fingerprint256)
      })
      return secure.on('error', () => {})
    }
    if (engine === 'postgres') servePostgres(client, backend, secured)
    else serveMysql(client, backend, secured)
  })
  server.listen(0, 'localhost')
  await once(server, 'listening')
  return {
    port: (server.address() as AddressInfo).port,
    ca,
    clientCertificates,
    async close() {
      server.close()
      for (const socket of sockets) socket.destroy()
      await once(server, 'close')
    },
  }
}

function servePostgres(client: Socket, backend: Socket, secured: () => Duplex): void {
  client.once('data', () => {
    client.write('S')
    const secure = secured()
    secure.pipe(backend)
    backend.pipe(secure)
  })
}

/** Renumbers the packets: the backend does not see the TLS request, which counts as one. */
function serveMysql(client: Socket, backend: Socket, secured: () => Duplex): void {
  backend.once('data', (greeting: Buffer) => {
    const flags = greeting.indexOf(0, HEADER + 1) + 1 + 4 + 8 + 1
    greeting.writeUInt16LE(greeting.readUInt16LE(flags) | CLIENT_SSL, flags)
    client.write(greeting)
    client.once('data', (request: Buffer) => {
      // The client may send the TLS handshake together with the TLS request.
      client.pause()
      if (request.length > SSL_REQUEST) client.unshift(request.subarray(SSL_REQUEST))
      const secure = secured()
      secure.on('data', (packet: Buffer) => backend.write(renumbered(packet, -1)))
      backend.on('data', (packet: Buffer) => secure.write(renumbered(packet, 1)))
    })
  })
}

/** The packets of a login are small, so each arrives in one chunk. */
function renumbered(packet: Buffer, difference: number): Buffer {
  const copy = Buffer.from(packet)
  copy[3] = (packet[3] ?? 0) + difference
  if (difference < 0 && copy[3] === 1) copy.writeUInt16LE(copy.readUInt16LE(HEADER) & ~CLIENT_SSL, HEADER)
  return copy
}
