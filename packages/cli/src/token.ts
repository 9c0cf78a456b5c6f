import type { Values } from './commands'
import { connectionUrl } from './connection-url'
import { readLoginOptions } from './login-options'
import { makeToken } from './make-token'
import { noWords } from './no-words'
import { UsageError } from './usage-error'

/** Runs `rds-iam token`. */
export async function runToken(values: Values, words: readonly string[]): Promise<number> {
  noWords(words)
  if (values['url'] && values['json']) throw new UsageError('--url: not together with --json')
  const options = readLoginOptions(values)
  const { value: token, expiresAt } = await makeToken(options)
  if (values['json']) {
    process.stdout.write(`${JSON.stringify({ token, expiresAt }, undefined, 2)}\n`)
  } else if (values['url']) {
    const { ca } = options
    process.stderr.write(
      `rds-iam: this URL holds a secret, good until ${expiresAt.toISOString()} (15 minutes at most)\n`,
    )
    process.stdout.write(`${connectionUrl(options, { token, ...(ca ? { caFile: ca.file } : {}) })}\n`)
  } else {
    process.stdout.write(`${token}\n`)
  }
  return 0
}
