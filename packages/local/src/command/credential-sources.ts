import type { CredentialEndpoints } from '../credential-endpoints/credential-endpoints'
import { shellWord } from './shell-word'

type Environment = Readonly<Record<string, string>>

/** One line for each source: its name, and the variables with which an AWS SDK finds it. */
export function sourceLines({ env }: CredentialEndpoints): string[] {
  return [
    `imds          ${assignments(env.imds)}`,
    `container     ${assignments(env.container)}`,
    `web identity  ${assignments(env.webIdentity)}`,
  ]
}

/** Variables that each hold a line for a shell's `eval`: it makes one source the only one that an AWS SDK finds. */
export function sourceVariables({ env }: CredentialEndpoints): Record<string, string> {
  const others = Object.values(env).flatMap((variables) => Object.keys(variables))
  const statement = (variables: Environment): string => {
    const stale = [...KEYS, ...others].filter((name) => !Object.hasOwn(variables, name))
    return `unset ${[...new Set(stale)].join(' ')}; export ${assignments(variables)}`
  }
  return {
    RDS_IAM_LOCAL_IMDS: statement(env.imds),
    RDS_IAM_LOCAL_CONTAINER: statement(env.container),
    RDS_IAM_LOCAL_WEB_IDENTITY: statement(env.webIdentity),
  }
}

// What comes before every other source in the chains of AWS's SDKs.
const KEYS = ['AWS_PROFILE', 'AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY', 'AWS_SESSION_TOKEN']

/** Variables as a shell sets them. */
export function assignments(variables: Environment): string {
  return Object.entries(variables)
    .map(([name, value]) => `${name}=${shellWord(value)}`)
    .join(' ')
}
