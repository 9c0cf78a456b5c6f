import type { AuthToken } from '@rds-iam/core'
import type { Values } from '../commands'
import { noWords, UsageError } from '../usage-error'
import { connectionUrl } from './connection-url'
import { readLoginOptions, requireEndpoint, type LoginOptions } from './options'
import { trustedPem } from './trust'

/** Runs `rds-iam token`. */
export async function runToken(values: Values, words: readonly string[]): Promise<number> {
  noWords(words)
  if (values['url'] && values['json']) throw new UsageError('--url: not together with --json')
  const options = readLoginOptions(values)
  const { value: token, expiresAt } = await makeToken(options)
  if (values['json']) {
    process.stdout.write(`${JSON.stringify({ token, expiresAt }, undefined, 2)}\n`)
  } else if (values['url']) {
    process.stderr.write(
      `rds-iam: this URL holds a secret, good until ${expiresAt.toISOString()} (15 minutes at most)\n`,
    )
    const trust = options.engine === 'mysql' ? await trustedPem(options) : ''
    process.stdout.write(`${connectionUrl(options, { token, trust, caFile: options.ca?.file })}\n`)
  } else {
    process.stdout.write(`${token}\n`)
  }
  return 0
}

/**
 * Signs a token for a login.
 *
 * @throws {UsageError} where the options name no endpoint, {RdsIamError} where there is no region or no identity.
 */
export function makeToken(options: LoginOptions): Promise<AuthToken> {
  const { createTokenProvider } = require('@rds-iam/core') as typeof import('@rds-iam/core')
  const { user, region, profile } = options
  return createTokenProvider({ ...requireEndpoint(options), user, region, profile }).getToken()
}
