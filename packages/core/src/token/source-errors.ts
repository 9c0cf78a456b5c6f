import type { ChildProcess } from 'node:child_process'
import { RdsIamError } from '../errors'

/** The source that returned an identity of the chain or failed with an error. */
const sources = new WeakMap<object, string>()

/** Remembers the source of an identity or an error. */
export function setSource(result: object, name: string): void {
  sources.set(result, name)
}

/** The source of an identity or an error: as the chain names it, or else a general name. */
export function sourceOf(result: unknown): string {
  return sources.get(result as object) ?? 'the credential source'
}

/** A failure whose message is ours and quotes nothing from the source. */
export class SourceError extends Error {}

const COMMAND_FAILED = 'Command failed: '

/**
 * Replaces the SDK's error for a failed `credential_process`. The SDK's message quotes the command line and stderr,
 * which may contain secrets, and lacks the exit status.
 */
export function processFailure(
  error: unknown,
  subject: string,
  processes: readonly ChildProcess[],
): SourceError | undefined {
  if (!(error instanceof Error && error.message.startsWith(COMMAND_FAILED))) return undefined
  const failed = processes.find(({ spawnargs }) => {
    // The command is the last argument of the shell. On Windows it is quoted.
    const argument = (spawnargs as string[] | undefined)?.at(-1) ?? ''
    return [argument, argument.slice(1, -1)].some((command) =>
      error.message.startsWith(`${COMMAND_FAILED}${command}\n`),
    )
  })
  const { exitCode, signalCode } = failed ?? {}
  const outcome = signalCode
    ? `was killed by ${signalCode}`
    : typeof exitCode === 'number'
      ? `exited with status ${exitCode}`
      : 'failed'
  return new SourceError(`${subject} ${outcome}; run the command by hand to see why`)
}

/** Replaces a parser's error: its message quotes the input, which may be part of a secret key. */
export function withoutContent(error: Error): Error {
  const quotesInput = error instanceof SyntaxError || error.message.includes('SyntaxError: ')
  return quotesInput ? new SourceError(`${sourceOf(error)} returned invalid JSON`) : error
}

/**
 * Why a source failed, without secrets, and the error to keep as the cause. Quotes only messages of the SDK, AWS and
 * the operating system: the message of a caller's own provider may contain secrets.
 */
export function reasonOf(error: unknown, profile: string | undefined): { reason: string; cause: unknown } {
  const cause = processFailure(error, 'a credential_process', []) ?? error
  const { name, message } = cause instanceof Error ? cause : new Error(String(cause))
  if (cause instanceof SourceError) return { reason: message, cause }
  return { reason: knownReason(message, profile) ?? quoteOrName(cause, name, message), cause }
}

// The SDK's errors for these differ only in their messages.
function knownReason(message: string, profile: string | undefined): string | undefined {
  const owner = profile === undefined ? '' : ` of the profile ${JSON.stringify(profile)}`
  const option =
    profile === undefined ? '' : ` --profile ${/^[\w.-]+$/.test(profile) ? profile : JSON.stringify(profile)}`
  if (/aws sso login|SSO session|Session token not found or invalid/.test(message)) {
    return `the SSO session${owner} has expired, or there is none: run \`aws sso login${option}\``
  }
  if (/aws login|reauthenticate|Failed to load token from/.test(message)) {
    return `the login session${owner} has expired, or there is none: run \`aws login${option}\``
  }
  if (/multi-factor authentication|MultiFactorAuthentication/.test(message)) {
    return (
      `the role${owner} requires MFA, and rds-iam cannot ask for a code: give iam.credentials a provider that can, ` +
      'such as fromIni({ profile, mfaCodeProvider }) of @aws-sdk/credential-providers'
    )
  }
  return undefined
}

function quoteOrName(cause: unknown, name: string, message: string): string {
  const isQuotable =
    cause instanceof Error && (name.endsWith('ProviderError') || '$fault' in cause || 'syscall' in cause)
  // Quote only the first line: STS adds the request, with the session token, to some messages.
  return isQuotable
    ? `${sourceOf(cause)} failed: ${name}: ${message.split('\n', 1)[0]}`
    : `${sourceOf(cause)} failed with ${name}; see the cause of this error`
}

/** The error for a source that returns no credentials. */
export function unavailable(reason: string, cause?: unknown): RdsIamError {
  return new RdsIamError(
    'CREDENTIALS_UNAVAILABLE',
    `no AWS credentials: ${reason}`,
    cause === undefined ? undefined : { cause },
  )
}
