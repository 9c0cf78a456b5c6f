// Replaces Lambda's runtime: loads the function's bundle and calls it with one event after the other. Reads events as
// lines from stdin and writes results as lines to stdout. Exits when stdin ends.
import { subscribe } from 'node:diagnostics_channel'
import process from 'node:process'
import { createInterface } from 'node:readline'
import { pathToFileURL } from 'node:url'
import { inspect } from 'node:util'
import type { Invocation, Message } from './invocation'

// Knex logs lost connections. As in Lambda, keep logs apart from results.
console.log = console.info = console.debug = console.error
const { handler } = (await import(pathToFileURL(process.argv[2] ?? '').href)) as {
  handler(event: Invocation): Promise<number[]>
}
// Subscribe after core has created the channel: Bun forgets subscriptions to a channel without references.
subscribe('rds-iam:connection.lost', () => say({ lost: true }))

for await (const line of createInterface({ input: process.stdin })) {
  await handler(JSON.parse(line) as Invocation).then(
    (sessions) => say({ sessions }),
    (error: unknown) => say({ error: inspect(error) }),
  )
}
process.exit(0)

function say(message: Message): void {
  process.stdout.write(`${JSON.stringify(message)}\n`)
}
