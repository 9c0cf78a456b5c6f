/** @throws {TypeError} with the name when the value is no object. */
export function object(name: string, value: unknown): Record<string, unknown> {
  if (typeof value === 'object' && value !== null && !Array.isArray(value))
    return value as Record<string, unknown>
  throw new TypeError(`${name} must be an object`)
}

/** @throws {TypeError} with the name when the value is no list. */
export function list(name: string, value: unknown): unknown[] {
  if (Array.isArray(value)) return value
  throw new TypeError(`${name} must be a list`)
}

/** @throws {TypeError} with the name when the value is no text. */
export function string(name: string, value: unknown): string {
  if (typeof value === 'string') return value
  throw new TypeError(`${name} must be a text`)
}

/** @throws {TypeError} with the name when the value is no list of texts. */
export function strings(name: string, value: unknown): string[] {
  return list(name, value).map((item) => string(name, item))
}

/** @throws {TypeError} with the name when the value is no number. */
export function number(name: string, value: unknown): number {
  if (typeof value === 'number') return value
  throw new TypeError(`${name} must be a number`)
}

/**
 * Refuses a misspelt name, which would do nothing.
 *
 * @throws {TypeError} when the value is no object, or has a name that is not known.
 */
export function checkNames(what: string, value: unknown, known: readonly string[]): void {
  const unknown = Object.keys(object(what, value)).find((name) => !known.includes(name))
  if (unknown !== undefined)
    throw new TypeError(`${what}: ${unknown} is unknown: there are ${known.join(', ')}`)
}
