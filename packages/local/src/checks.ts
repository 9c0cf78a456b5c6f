/** @throws {TypeError} with the name when the value is not an object. */
export function expectObject(name: string, value: unknown): Record<string, unknown> {
  if (typeof value === 'object' && value !== null && !Array.isArray(value))
    return value as Record<string, unknown>
  throw new TypeError(`${name} must be an object`)
}

/** @throws {TypeError} with the name when the value is not an array. */
export function expectArray(name: string, value: unknown): unknown[] {
  if (Array.isArray(value)) return value
  throw new TypeError(`${name} must be an array`)
}

/** @throws {TypeError} with the name when the value is not a string. */
export function expectString(name: string, value: unknown): string {
  if (typeof value === 'string') return value
  throw new TypeError(`${name} must be a string`)
}

/** @throws {TypeError} with the name when the value is not an array of strings. */
export function expectStrings(name: string, value: unknown): string[] {
  return expectArray(name, value).map((item) => expectString(name, item))
}

/** @throws {TypeError} with the name when the value is not a number. */
export function expectNumber(name: string, value: unknown): number {
  if (typeof value === 'number') return value
  throw new TypeError(`${name} must be a number`)
}

/** @throws {TypeError} with the name when the value is not a boolean. */
export function expectBoolean(name: string, value: unknown): boolean {
  if (typeof value === 'boolean') return value
  throw new TypeError(`${name} must be a boolean`)
}

/**
 * Rejects a misspelt name, which would have no effect.
 *
 * @throws {TypeError} when the value is not an object, or has an unknown name.
 */
export function checkNames(what: string, value: unknown, known: readonly string[]): void {
  const unknown = Object.keys(expectObject(what, value)).find((name) => !known.includes(name))
  if (unknown !== undefined)
    throw new TypeError(`${what}: ${unknown} is unknown; known are ${known.join(', ')}`)
}
