import { once } from 'node:events'
import { createServer, type AddressInfo, type Server } from 'node:net'
import { createSecureContext, TLSSocket } from 'node:tls'
import { mariadbConfig } from '@rds-iam/core/mariadb'
import mariadb from 'mariadb'
import oldestMariadb from 'mariadb-3.4'
import { generate } from 'selfsigned'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { ours, rejection } from '../contract/outcome'

const CLIENT_SSL = 0x800
const SSL_REQUEST_BYTES = 36
const OTHER_FLAGS = 0x88201

/** The first packet of a MariaDB server that requests a clear-text password immediately. */
function greeting(): Buffer {
  const settings = Buffer.alloc(18)
  settings.writeUInt16LE((OTHER_FLAGS | CLIENT_SSL) & 0xffff, 0)
  settings.writeUInt8(33, 2)
  settings.writeUInt16LE(2, 3)
  settings.writeUInt16LE(OTHER_FLAGS >>> 16, 5)
  settings.writeUInt8(21, 7)
  const payload = Buffer.concat([
    Buffer.from('\u000a5.5.5-10.11.9-MariaDB\0'),
    Buffer.from([1, 0, 0, 0]),
    Buffer.from('abcdefgh\0'),
    settings,
    Buffer.from('abcdefghijkl\0mysql_clear_password\0'),
  ])
  return Buffer.concat([Buffer.from([payload.length, 0, 0, 0]), payload])
}

let server: Server
let ca: string
let received: string
beforeEach(async () => {
  const { cert, private: key } = await generate([{ name: 'commonName', value: 'localhost' }], {
    extensions: [
      { name: 'basicConstraints', cA: true, critical: true },
      { name: 'subjectAltName', altNames: [{ type: 2, value: 'localhost' }] },
    ],
  })
  ca = cert
  received = ''
  const secureContext = createSecureContext({ cert, key })
  server = createServer((socket) => {
    socket.on('error', () => {})
    socket.write(greeting())
    socket.once('data', (chunk: Buffer) => {
      // The chunk may contain the client's first TLS bytes after its SSLRequest.
      socket.pause()
      socket.unshift(chunk.subarray(SSL_REQUEST_BYTES))
      const secure = new TLSSocket(socket, { isServer: true, secureContext })
      secure.on('error', () => {})
      secure.on('data', (chunk: Buffer) => {
        received += chunk.toString('latin1')
      })
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
})
afterEach(async () => {
  server.close()
  await once(server, 'close')
})

// mariadb 3.4 reads the password after the TLS handshake even if the certificate is invalid.
it.each([
  ['3.5', mariadb],
  ['3.4', oldestMariadb as unknown as typeof mariadb],
])(
  'mariadb %s sends no token when a server with a certificate for another name requests it immediately',
  async (_, driver) => {
    const { port } = server.address() as AddressInfo
    const credentials = { accessKeyId: 'AKIDSOMEBODY', secretAccessKey: 'secret' }
    const config = mariadbConfig({
      host: '127.0.0.1',
      port,
      user: 'app',
      ssl: { ca },
      iam: { credentials, endpoint: 'db.abcdefghijkl.us-east-1.rds.amazonaws.com' },
    })
    const error = (await rejection(driver.createConnection(config))) as Error
    expect(ours(error)?.cause ?? error).toMatchObject({ code: 'ERR_TLS_CERT_ALTNAME_INVALID' })
    expect(received).not.toContain('X-Amz')
  },
)
