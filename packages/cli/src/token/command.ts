import { connectionUrl, tunnelOf } from '../login/connection-url'
import { makeToken, trustedPem } from '../login/credentials'
import { readLoginOptions, type LoginArguments } from '../login/arguments'

/** Runs `rds-iam token`. */
export async function runToken(given: LoginArguments & { url?: true; json?: true }): Promise<number> {
  const options = readLoginOptions(given)
  const tunnel = given.url && (await tunnelOf(options))
  const { value: token, expiresAt } = await makeToken(options)
  if (given.json) {
    process.stdout.write(`${JSON.stringify({ token, expiresAt }, undefined, 2)}\n`)
  } else if (given.url) {
    const trust = options.engine === 'mysql' ? await trustedPem(options) : undefined
    const url = connectionUrl(options, { token, trust, tunnel, caFile: options.ca?.file })
    const expiry = `${expiresAt.toISOString()} (15 minutes at most)`
    process.stderr.write(`rds-iam: this URL contains a secret, valid until ${expiry}\n`)
    process.stdout.write(`${url}\n`)
  } else {
    process.stdout.write(`${token}\n`)
  }
  return 0
}
