import { mariadbConfig } from '@rds-iam/core/mariadb'
import mariadb from 'mariadb'
import oldestMariadb from 'mariadb-3.4'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { ours, rejection } from '../contract/outcome'
import { greeting, startMysqlStandIn, type MysqlStandIn } from '../support/mysql-stand-in'

// The server requests a clear-text password in its first packet.
const GREETING = greeting('5.5.5-10.11.9-MariaDB', 'mysql_clear_password')

let server: MysqlStandIn
let received: string
beforeEach(async () => {
  received = ''
  server = await startMysqlStandIn(GREETING, (secure) => {
    secure.on('data', (chunk: Buffer) => {
      received += chunk.toString('latin1')
    })
  })
})
afterEach(() => server.close())

// mariadb 3.4 reads the password after the TLS handshake even if the certificate is invalid.
it.each([
  ['3.5', mariadb],
  ['3.4', oldestMariadb as unknown as typeof mariadb],
])(
  'mariadb %s sends no token when a server with a certificate for another name requests it immediately',
  async (_, driver) => {
    const { port, ca } = server
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
