import { EventEmitter, once } from 'node:events'
import type { Socket } from 'node:net'
import { setImmediate } from 'node:timers/promises'
import { mysql2Config } from '@rds-iam/core/mysql2'
import newest, { type ConnectionOptions } from 'mysql2'
import oldest from 'mysql2-3.15'
import { expect, it } from 'vitest'
import { nextMessage } from '../contract/outcome'
import { greeting, packet, startMysqlStandIn } from '../support/mysql-stand-in'

const GREETING = greeting('5.5.5-10.11.9-MariaDB', 'mysql_clear_password')
const PASSWORD_REQUEST = Buffer.from('\xfemysql_clear_password\0', 'latin1')
const SHUTDOWN_ERROR = Buffer.from('\xff\x1d\x04#08S01Server shutdown in progress', 'latin1')

it.each([
  ['newest', newest],
  ['oldest', oldest as unknown as typeof newest],
])(
  'mysql2, %s, sends no token when the server ended the login before the token is ready',
  async (_, mysql) => {
    let received = ''
    const events = new EventEmitter()
    const server = await startMysqlStandIn(GREETING, (secure) => {
      secure.once('data', () => {
        secure.on('data', (chunk: Buffer) => {
          received += chunk.toString('latin1')
        })
        secure.once('close', () => events.emit('closed'))
        secure.write(Buffer.concat([packet(3, PASSWORD_REQUEST), packet(4, SHUTDOWN_ERROR)]))
      })
    })
    const { port, ca } = server
    async function credentials() {
      await once(events, 'refused')
      return { accessKeyId: 'AKIDSOMEBODY', secretAccessKey: 'secret' }
    }
    const iam = { region: 'us-east-1', credentials }
    const config = mysql2Config({ host: 'localhost', port, user: 'app', ssl: { ca }, iam })
    const connection = mysql.createConnection(config as ConnectionOptions)
    const [error] = (await once(connection, 'error')) as [Error]
    expect(error.message).toBe('Server shutdown in progress')

    const closed = once(events, 'closed')
    const signed = nextMessage('rds-iam:token.signed')
    events.emit('refused')
    await signed
    await setImmediate()
    const { stream } = connection as unknown as { stream: Socket }
    stream.end()
    await closed
    await server.close()
    expect(received).not.toContain('X-Amz')
  },
)
