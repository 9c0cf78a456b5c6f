// Each function reads the values of a flag, which may be given more than once.
import type { BackendLogin } from '../backend'
import type { TestIdentity } from '../iam/identity'

const UNITS: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
}

/** Reads a time such as `16m`, `+90s` or `-500ms` as milliseconds. The last one counts. */
export function readDuration(texts: readonly string[], flag: string): number {
  const text = texts.at(-1) ?? ''
  const [, amount, unit = ''] = /^([+-]?\d{1,12})(ms|s|m|h|d)$/.exec(text) ?? []
  if (amount === undefined) throw new TypeError(`${flag} must be a time such as 16m or -90s, not '${text}'`)
  return Number(amount) * (UNITS[unit] ?? 1)
}

/** Reads a whole number. The last one counts. */
export function readWholeNumber(texts: readonly string[], flag: string): number {
  const text = texts.at(-1) ?? ''
  if (!/^\d{1,9}$/.test(text)) throw new TypeError(`${flag} must be a whole number, not '${text}'`)
  return Number(text)
}

/** Reads names, each alone or several in a list with commas. */
export function readNames(texts: readonly string[]): string[] {
  return texts.flatMap((text) => text.split(',')).map((name) => name.trim())
}

// The values of the next two contain a secret, so their messages do not repeat them.

/** Reads `NAME=USER` or `NAME=USER:PASSWORD`, once for each user. */
export function readBackendUsers(texts: readonly string[], flag: string): Record<string, BackendLogin> {
  return Object.fromEntries(
    texts.map((text) => {
      const [, name = '', user = '', password] = /^([^=]+)=([^:]+)(?::(.*))?$/s.exec(text) ?? []
      if (name === '') throw new TypeError(`${flag} must be NAME=USER or NAME=USER:PASSWORD`)
      return [name, password === undefined ? { user } : { user, password }]
    }),
  )
}

/** Reads `ACCESS_KEY_ID:SECRET` or `ACCESS_KEY_ID:SECRET:SESSION_TOKEN`, once for each identity. */
export function readIdentities(texts: readonly string[], flag: string): TestIdentity[] {
  return texts.map((text) => {
    const [accessKeyId = '', secretAccessKey = '', sessionToken, ...more] = text.split(':')
    if (accessKeyId === '' || secretAccessKey === '' || sessionToken === '' || more.length > 0)
      throw new TypeError(`${flag} must be ACCESS_KEY_ID:SECRET or ACCESS_KEY_ID:SECRET:SESSION_TOKEN`)
    return { accessKeyId, secretAccessKey, ...(sessionToken === undefined ? {} : { sessionToken }) }
  })
}
