// A program that uses postgres.js, for tests that check whether a process crashes or exits. The test sends it commands.
import { once } from 'node:events'
import { postgresConfig } from '@rds-iam/core/postgres'
import latest from 'postgres'
import oldest from 'postgres-3.4.4'
import type { LoginOptions } from '../contract/adapter'

/** The program's arguments. */
export interface ProgramArguments {
  version: 'latest' | 'oldest'
  options: LoginOptions
  identity: { accessKeyId: string; secretAccessKey: string }
  /** Whether the credentials become ready only when the test says so. */
  waits: boolean
}

const { version, options, identity, waits } = JSON.parse(process.argv[2] ?? '') as ProgramArguments
let allow = () => {}
const allowed = waits ? new Promise<void>((resolve) => (allow = resolve)) : Promise.resolve()
const credentials = () => allowed.then(() => identity)
const postgres = version === 'latest' ? latest : (oldest as unknown as typeof latest)
const sql = postgres({
  ...postgresConfig({ ...options, iam: { ...options.iam, credentials, timeoutMs: 60_000 } }),
  max: 1,
  onnotice: () => process.send?.('running'),
})
let query: { cancel(): void } | undefined

function run(text: string): void {
  const started = sql.unsafe(text)
  query = started
  started.then(
    (rows) => process.send?.({ rows }),
    ({ code, message }: Error & { code?: string }) => process.send?.({ code, message }),
  )
}

const orders: Record<string, (text: string) => void> = {
  run,
  allow: () => allow(),
  cancel: () => query?.cancel(),
  end: () => void sql.end().then(() => process.send?.('ended')),
  endNow: () => void sql.end({ timeout: 0 }).then(() => process.send?.('ended')),
  leave: () => process.disconnect(),
}
process.on('message', ([order, text]: [string, string]) => orders[order]?.(text))
process.send?.('ready')
await once(process, 'disconnect')
