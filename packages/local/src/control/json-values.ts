/** Reads a body. The message of its error quotes nothing, for there may be secrets in the text. */
export function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    throw new TypeError('the body is no JSON')
  }
}

/** Tells whether a value was left out. */
export function isAbsent(value: unknown): value is undefined | null {
  return value === undefined || value === null
}

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

/** @throws {TypeError} with the name when the value is no text of an instant. */
export function instant(name: string, value: unknown): Date {
  const date = new Date(string(name, value))
  if (Number.isNaN(date.getTime()))
    throw new TypeError(`${name} must be an instant, such as 2026-01-31T12:00:00Z`)
  return date
}
