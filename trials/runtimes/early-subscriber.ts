// Subscribes to a channel of core before core is loaded. Exits with status 0 if it received the event of a token.
import { subscribe } from 'node:diagnostics_channel'
import process from 'node:process'
import { setTimeout as delay } from 'node:timers/promises'

let received = 0
subscribe('rds-iam:token.signed', () => received++)
await delay(10)
collectGarbage()

const { createTokenProvider } = await import('@rds-iam/core')
const credentials = { accessKeyId: 'AKIDEXAMPLE', secretAccessKey: 'secret' }
const login = { host: 'localhost', port: 5432, user: 'jane_doe', region: 'us-east-1' }
await createTokenProvider({ ...login, credentials }).getToken()
process.exit(received === 1 ? 0 : 1)

/** Only Bun can collect garbage on request without an option. */
function collectGarbage(): void {
  const { Bun } = globalThis as { Bun?: { gc(force: boolean): void } }
  Bun?.gc(true)
}
