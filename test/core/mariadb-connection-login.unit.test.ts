import { afterEach, expect, it, vi } from 'vitest'
import { ConnectionLogin } from '../../packages/core/src/mariadb/connection-login'
import type { Login, LoginAttempt } from '../../packages/core/src/login/login'
import type { LoginTarget } from '../../packages/core/src/login/login-target'

const ACCESS_DENIED = 1045
const SYNTAX_ERROR = 1064
const ECONNRESET = -104
const SERVER_SHUTDOWN = 1053

afterEach(() => void vi.useRealTimers())

function logIn() {
  const lost: unknown[] = []
  const refused: unknown[] = []
  const attempt = (expiresAt: number) =>
    ({
      user: 'app',
      token: { value: 'token', issuedAt: new Date(), expiresAt: new Date(expiresAt) },
      lost: (error: unknown) => lost.push(error),
      refused: (error: unknown) => refused.push(error),
    }) as unknown as LoginAttempt
  const lifetimeMs = 900_000
  const login = { attempt: async () => attempt(Date.now() + lifetimeMs) } as unknown as Login
  const connection = new ConnectionLogin(login, {} as LoginTarget, attempt(Date.now() + lifetimeMs))
  return { connection, lost, refused, lifetimeMs }
}

it.each([
  ['a reset', { fatal: true, errno: ECONNRESET }, 1],
  ["a server's shutdown", { fatal: true, errno: SERVER_SHUTDOWN }, 1],
  ['another fatal error', { fatal: true, errno: SYNTAX_ERROR }, 0],
  ['an error that leaves the connection open', { fatal: false, errno: SERVER_SHUTDOWN }, 0],
])('counts lost connections after %s', (_, error, losses) => {
  const { connection, lost, refused } = logIn()
  connection.takeToken()
  connection.report(error)
  expect([lost.length, refused.length]).toEqual([losses, 0])
})

it('reports a refusal after a token was withheld and a new one sent', async () => {
  vi.useFakeTimers({ toFake: ['Date'] })
  const { connection, refused, lifetimeMs } = logIn()
  connection.takeToken()
  vi.setSystemTime(Date.now() + lifetimeMs)
  expect(connection.takeToken()).toBeUndefined()
  await new Promise(setImmediate)
  expect(connection.takeToken()).toBe('token')
  const error = { fatal: true, errno: ACCESS_DENIED, cause: undefined }
  connection.report(error)
  expect(refused).toEqual([error])
  expect(error.cause).toBeUndefined()
})
