import { EventEmitter, once } from 'node:events'
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net'
import type { IamOptions } from '@rds-iam/core'
import { mysql2Config } from '@rds-iam/core/mysql2'
import { pgConfig } from '@rds-iam/core/pg'
import mysql from 'mysql2'
import pg from 'pg'
import { afterEach, beforeEach, expect, it } from 'vitest'

let silent: Server
beforeEach(async () => {
  // Accepts connections and sends nothing.
  silent = createServer((socket) => socket.resume())
  silent.listen(0, '127.0.0.1')
  await once(silent, 'listening')
})
afterEach(() => {
  silent.close()
})

const options = (port: number, iam: IamOptions) => ({
  host: '127.0.0.1',
  port,
  user: 'app',
  ssl: { ca: '' },
  iam,
})

it.each([
  [
    'pg',
    (port: number, iam: IamOptions): EventEmitter => {
      const client = new pg.Client(pgConfig(options(port, iam)))
      client.connect((error: Error | null) => client.emit('error', error))
      return client
    },
  ],
  [
    'mysql2',
    (port: number, iam: IamOptions): EventEmitter => mysql.createConnection(mysql2Config(options(port, iam))),
  ],
])('%s fetches credentials while it connects, before the server requests the token', async (_, connect) => {
  const { port } = silent.address() as AddressInfo
  const accepted = once(silent, 'connection')
  let connection = new EventEmitter()
  await new Promise<void>((fetched) => {
    const credentials = () => {
      fetched()
      return new Promise<never>(() => {})
    }
    const iam = { region: 'us-east-1', credentials, timeoutMs: 100 }
    connection = connect(port, iam)
  })
  // The credential fetch hangs, so our timeout error must end the connection and its socket.
  const [socket] = (await accepted) as [Socket]
  const [error] = (await once(connection, 'error')) as [Error & { code: string }]
  expect(error.code).toBe('TOKEN_TIMEOUT')
  if (!socket.closed) await once(socket, 'close')
})
