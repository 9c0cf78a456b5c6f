// Stands where Lambda's runtime does: loads the function's one file, and hands it one event after the other.
// Events come as lines of its input, answers go as lines to its output; it ends with its input.
import { subscribe } from 'node:diagnostics_channel'
import process from 'node:process'
import { createInterface } from 'node:readline'
import { pathToFileURL } from 'node:url'
import { inspect } from 'node:util'
import type { Invocation, Message } from './invocation'

// Knex logs that a connection was lost. As in Lambda, logs are apart from answers.
console.log = console.info = console.debug = console.error
subscribe('rds-iam:connection.lost', () => say({ lost: true }))
const { handler } = (await import(pathToFileURL(process.argv[2] ?? '').href)) as {
  handler(event: Invocation): Promise<number[]>
}
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
