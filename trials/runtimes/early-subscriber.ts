// Subscribes to a channel of core's before core is loaded; status 0 says that it was told of a token.
import { subscribe } from 'node:diagnostics_channel'
import process from 'node:process'
import { setTimeout as delay } from 'node:timers/promises'

let told = 0
subscribe('rds-iam:token.signed', () => told++)
await delay(10)
collectGarbage()

const { createTokenProvider } = await import('@rds-iam/core')
const credentials = { accessKeyId: 'AKIDEXAMPLE', secretAccessKey: 'secret' }
const login = { host: 'localhost', port: 5432, user: 'jane_doe', region: 'us-east-1' }
await createTokenProvider({ ...login, credentials }).getToken()
process.exit(told === 1 ? 0 : 1)

/** Elsewhere it cannot be asked for. */
function collectGarbage(): void {
  const { Bun } = globalThis as { Bun?: { gc(force: boolean): void } }
  Bun?.gc(true)
}
