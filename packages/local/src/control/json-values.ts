import { string } from '../checks'

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

/** @throws {TypeError} with the name when the value is no text of an instant. */
export function instant(name: string, value: unknown): Date {
  const date = new Date(string(name, value))
  if (Number.isNaN(date.getTime()))
    throw new TypeError(`${name} must be an instant, such as 2026-01-31T12:00:00Z`)
  return date
}
