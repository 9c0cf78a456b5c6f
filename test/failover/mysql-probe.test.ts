import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { openMysqlProbe } from '../../packages/core/src/cluster/mysql-probe'
import { Login } from '../../packages/core/src/login/login'
import { startEndpoint, type TestEndpoint } from '../contract/endpoint'
import { nextMessages, rejection } from '../contract/outcome'
import { authSwitch, error, OK, result, startScriptedMysql, type ScriptedMysql } from './scripted-mysql'

const never = new AbortController().signal

async function open(
  { port, ca }: { port: number; ca: string },
  credentials: { accessKeyId: string; secretAccessKey: string },
  signal = never,
) {
  const login = new Login({ region: 'us-east-1', credentials }, { ca }, 'mysql')
  const target = await login.target({ host: 'localhost', port })
  return openMysqlProbe(login, target, { user: 'jane_doe', database: 'no_such_database' }, signal)
}

describe('a probe of a real MySQL server', () => {
  let rds: TestEndpoint
  beforeEach(async () => {
    rds = await startEndpoint({ engine: 'mysql' })
  })
  afterEach(async () => {
    await rds.allClosed()
    await rds.close()
  })

  it('reads the role from a server that has no list of instances', async () => {
    const probe = await open(rds, rds.identity)
    const answers = [await probe.ask(), await probe.ask()]
    probe.close()
    const answer = { isWriter: true, members: [] }
    expect(answers).toEqual([answer, answer])
    expect(rds.logins).toMatchObject([{ verdict: 'accepted', user: 'jane_doe' }])
  })

  it("rejects with the server's error when the token is refused, and does not report a refused login", async () => {
    let reported = false
    void nextMessages('rds-iam:login.refused', 1).then(() => (reported = true))
    const refused = await rejection(open(rds, { ...rds.identity, secretAccessKey: 'wrong' }))
    expect(refused).toMatchObject({ errno: 1045 })
    expect(reported).toBe(false)
  })

  it('sends no token when no trusted CA signed the certificate', async () => {
    const other = await startScriptedMysql(() => [])
    const refused = await rejection(open({ port: rds.port, ca: other.ca }, rds.identity))
    await other.close()
    expect(refused.code).toMatch(/SELF_SIGNED|UNABLE_TO/)
    expect(rds.logins).toEqual([])
  })

  it('is closed by its signal after it was opened', async () => {
    const abort = new AbortController()
    const probe = await open(rds, rds.identity, abort.signal)
    const asked = rejection(probe.ask())
    abort.abort()
    expect(await asked).toMatchObject({ name: 'AbortError' })
    await rds.allClosed()
  })

  it('dials nothing when its signal was aborted before', async () => {
    const refused = await rejection(open(rds, rds.identity, AbortSignal.abort()))
    expect(refused).toMatchObject({ name: 'AbortError' })
  })
})

describe('a probe of a scripted MySQL server', () => {
  const identity = { accessKeyId: 'AKIDSOMEBODY', secretAccessKey: 'secret' }
  let server: ScriptedMysql | undefined
  afterEach(() => server?.close())

  /** Starts a server that accepts all logins and answers statements. */
  async function start(answer: (sql: string) => Buffer[]): Promise<ScriptedMysql> {
    server = await startScriptedMysql((payload) => (payload[0] === 3 ? answer(payload.toString()) : [OK]))
    return server
  }

  async function ask(answer: (sql: string) => Buffer[]) {
    const probe = await open(await start(answer), identity)
    const answers = [await probe.ask(), await probe.ask()]
    probe.close()
    return answers
  }

  it('reads the role, the identity and the list of instances in one round trip', async () => {
    const [answer] = await ask(() =>
      result(
        ['1', '0', 'shop-2', 'shop-1', 'MASTER_SESSION_ID', '0'],
        ['1', '0', 'shop-2', 'shop-2', '5e0f', '12.5'],
        ['1', '0', 'shop-2', 'shop-3', '77aa', null],
      ),
    )
    expect(answer).toEqual({
      isWriter: false,
      instance: 'shop-2',
      members: [
        { instance: 'shop-1', isWriter: true, lagMs: 0 },
        { instance: 'shop-2', isWriter: false, lagMs: 12.5 },
        { instance: 'shop-3', isWriter: false },
      ],
    })
    expect(server?.received.filter((payload) => payload.startsWith('\u0003select'))).toHaveLength(2)
  })

  it('tells that a server of Aurora is read-only by its configuration', async () => {
    const [answer] = await ask(() => result(['0', '1', 'shop-1', 'shop-1', 'MASTER_SESSION_ID', '0']))
    expect(answer).toMatchObject({ isWriter: false, isReadOnly: true })
  })

  it.each([
    ['a writer', ['0', '0'], true],
    ['a writer of MariaDB 12', ['0', 'OFF'], true],
    ['a replica', ['0', '1'], false],
    ['a replica of MariaDB 12', ['0', 'ON'], false],
    ['a reader of a Multi-AZ DB cluster', ['1', '1'], false],
  ])('reads the role of %s, and asks for instances only once', async (_, row, isWriter) => {
    const unknown = [error(1193, "Unknown system variable 'aurora_server_id'")]
    const answers = await ask((sql) => (sql.includes('aurora') ? unknown : result(row)))
    expect(answers).toEqual([
      { isWriter, members: [] },
      { isWriter, members: [] },
    ])
    expect(server?.received.filter((payload) => payload.includes('aurora'))).toHaveLength(1)
  })

  it('sends the token again when the server switches to a clear-text password', async () => {
    server = await startScriptedMysql((payload) =>
      payload.includes('mysql_clear_password') ? [authSwitch('mysql_clear_password')] : [OK],
    )
    const probe = await open(server, identity)
    probe.close()
    const [login = '', password = ''] = server.received
    expect(password).toMatch(/^localhost:\d+\/\?.*X-Amz-Signature=.*\0$/)
    expect(login).toContain(password)
  })

  it.each([
    ['requests another password', [authSwitch('mysql_native_password')], 'other than a token'],
    ['has too many connections', [error(1040, 'Too many connections')], 'Too many connections'],
  ])('rejects and closes its socket when the server %s', async (_, answer, message) => {
    server = await startScriptedMysql(() => answer)
    const refused = await rejection(open(server, identity))
    expect(refused.message).toContain(message)
    expect(server.received).toHaveLength(1)
    await server.allClosed()
  })

  it('sends no token when the server offers no TLS', async () => {
    server = await startScriptedMysql(() => [OK], { offersTls: false })
    const refused = await rejection(open(server, identity))
    expect(refused).toMatchObject({ code: 'TLS_REQUIRED' })
    await server.allClosed()
  })
})
