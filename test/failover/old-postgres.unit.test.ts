import { EventEmitter } from 'node:events'
import { beforeEach, describe, expect, it } from 'vitest'
import { ClusterConnection } from '../../packages/core/src/cluster/connection'
import { Login } from '../../packages/core/src/login/login'
import { watchServer } from '../../packages/core/src/pg/server-watch'
import { createLoginWatch } from '../../packages/core/src/postgres/login-watch'

/** PostgreSQL before 14 does not tell its role at the login. */
describe('a server that does not tell its role', () => {
  const login = new Login({}, {}, 'postgres')
  const endpoint = { host: 'shop.cluster-abc.eu-west-1.rds.amazonaws.com', port: 5432 }
  let events: string[]
  let server: ClusterConnection
  beforeEach(() => {
    events = []
    const observer = Object.fromEntries(
      ['onDoubt', 'onFailedLogin', 'onWriter', 'onRefused', 'onSilence'].map((name) => [
        name,
        () => events.push(name),
      ]),
    ) as unknown as ConstructorParameters<typeof ClusterConnection>[0]
    server = new ClusterConnection(observer, {
      owner: login,
      server: endpoint,
      role: 'writer',
      generation: 0,
      isLastResort: false,
      close: ({ code }) => events.push(code),
    })
  })

  const message = (type: string, body: string) => {
    const length = Buffer.alloc(4)
    length.writeUInt32BE(4 + body.length)
    return Buffer.concat([Buffer.from(type), length, Buffer.from(body, 'latin1')])
  }
  const error = (severity: string, code: string) =>
    message('E', `S${severity}\0V${severity}\0C${code}\0Msome text\0\0`)
  const ready = (status: 'I' | 'T' | 'E') => message('Z', status)
  const turn = () => new Promise((resolve) => setImmediate(resolve))

  /** Logs in with postgres.js's part, and returns a function that receives the server's data. */
  async function logIn() {
    const socket = Object.assign(new EventEmitter(), {
      onData: undefined as ((chunk: Buffer) => void) | undefined,
      destroy() {},
    })
    const target = {
      ...(await login.target({ host: endpoint.host, port: endpoint.port })),
      connection: server,
    }
    const token = { value: 'token', signedAt: new Date(), expiresAt: new Date() }
    const attempt = { token, lost: (cause: Error) => server.lost(cause), isRefusal: () => false }
    createLoginWatch().login(socket as never, target, attempt as never)
    const receive = (...messages: Buffer[]) => socket.onData?.(Buffer.concat(messages))
    receive(message('R', '\0\0\0\0'), ready('I'))
    return { receive, socket }
  }

  it('is left after a read-only error with postgres.js, also when other answers come before it', async () => {
    const { receive } = await logIn()
    receive(message('C', 'SELECT 1\0'), error('ERROR', '25006'), ready('E'))
    await turn()
    expect(events).toEqual(['onDoubt'])
    receive(message('C', 'ROLLBACK\0'), ready('I'))
    await turn()
    expect(events).toEqual(['onDoubt', 'NOT_WRITER'])
  })

  it('is left after a read-only error with pg, when its transaction has ended', () => {
    const connection = Object.assign(new EventEmitter(), {
      stream: {
        destroyed: false,
        destroy: (cause: Error & { code?: string }) => events.push(`${cause.code}`),
      },
    })
    watchServer(Object.assign(new EventEmitter(), { connection }) as never, server)
    connection.emit('errorMessage', { code: '25006' })
    connection.emit('readyForQuery', { status: 'E' })
    expect(events).toEqual(['onDoubt'])
    connection.emit('readyForQuery', { status: 'I' })
    expect(events).toEqual(['onDoubt', 'NOT_WRITER'])
  })

  it.each([
    ['was idle', '57P05', []],
    ['was idle in a transaction', '25P03', []],
    ['stops', '57P01', ['onDoubt']],
  ])(
    'is searched for only if it stops: the session of postgres.js or the server %s',
    async (_, code, expected) => {
      const { receive, socket } = await logIn()
      receive(error('FATAL', code))
      socket.emit('error', new Error('CONNECTION_CLOSED'))
      expect(events).toEqual(expected)
    },
  )
})
