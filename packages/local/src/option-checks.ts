// Checks of the options. Each returns the checked value, or throws a TypeError with the option's name.
import { isIP } from 'node:net'
import type { BackendLogin } from './backend'
import { checkNames, expectNumber, expectObject, expectString, expectStrings } from './checks'
import type { Engine } from './defaults'
import type { ConflictCode } from './dsql/statements'
import { parseEndpointName } from './endpoint-name'

export function checkEngine(name: string, value: unknown): Engine {
  if (value === 'postgres' || value === 'mysql' || value === 'dsql') return value
  throw new TypeError(`${name} must be postgres, mysql or dsql, not '${String(value)}'`)
}

export function checkBackendUsers(name: string, value: unknown): Readonly<Record<string, BackendLogin>> {
  const logins = expectObject(name, value)
  for (const login of Object.values(logins)) expectString(`${name}: user`, expectObject(name, login).user)
  return logins as unknown as Record<string, BackendLogin>
}

export function checkPort(name: string, value: unknown): number {
  const port = expectNumber(name, value)
  if (Number.isInteger(port) && port >= 0 && port <= 65_535) return port
  throw new TypeError(`${name} must be from 0 to 65535`)
}

export function checkHost(name: string, value: unknown): string {
  const host = expectString(name, value)
  if (isIP(host) !== 0) return host
  throw new TypeError(`${name} must be an IP address, such as 0.0.0.0, not '${host}'`)
}

export function checkControl(name: string, value: unknown): number | undefined {
  if (typeof value === 'boolean') return value ? 0 : undefined
  checkNames(name, value, ['port'])
  return checkPort(`${name}.port`, (value as { port?: number }).port ?? 0)
}

export function checkEndpoints(name: string, value: unknown): string[] {
  const endpoints = expectStrings(name, value)
  if (endpoints.length === 0) throw new TypeError(`${name} must have at least one name`)
  for (const endpoint of endpoints) parseEndpointName(endpoint)
  return endpoints
}

export function checkRegion(name: string, value: unknown): string {
  const region = expectString(name, value)
  if (/^[a-z0-9-]+$/.test(region)) return region
  throw new TypeError(`${name} '${region}' is not the name of a region`)
}

export function checkUsers(name: string, value: unknown): string[] {
  const users = expectStrings(name, value)
  if (users.length > 0 && !users.some((user) => user === '' || user.includes('\0'))) return users
  throw new TypeError(`${name} must be a list of names, at least one`)
}

// Dates further away cannot be written.
const MAX_OFFSET_MS = 100 * 365 * 86_400_000

export function checkClockOffset(name: string, value: unknown): number {
  const offset = expectNumber(name, value)
  if (Math.abs(offset) <= MAX_OFFSET_MS) return offset
  throw new TypeError(`${name} must be a number of milliseconds, at most a hundred years`)
}

// One day.
const MAX_SESSION_SECONDS = 86_400

export function checkSessionSeconds(name: string, value: unknown): number {
  const seconds = expectNumber(name, value)
  if (seconds > 0 && seconds <= MAX_SESSION_SECONDS) return seconds
  throw new TypeError(`${name} must be more than 0 and at most ${MAX_SESSION_SECONDS}`)
}

export function checkConflicts(name: string, value: unknown): number {
  const conflicts = expectNumber(name, value)
  if (Number.isInteger(conflicts) && conflicts >= 0) return conflicts
  throw new TypeError(`${name} must be a whole number from 0`)
}

export function checkConflictCode(name: string, value: unknown): ConflictCode {
  if (value === 'OC000' || value === 'OC001') return value
  throw new TypeError(`${name} must be OC000 or OC001, not '${String(value)}'`)
}

export function checkLimit(name: string, value: unknown): number {
  const limit = expectNumber(name, value)
  if (limit === Infinity || (Number.isInteger(limit) && limit >= 0)) return limit
  throw new TypeError(`${name} must be a whole number from 0, or Infinity`)
}
