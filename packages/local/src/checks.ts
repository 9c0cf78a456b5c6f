/** Returns the value if it is valid. @throws {TypeError} with the option's name if it is not. */
export type Check<T> = (name: string, value: unknown) => T

function expecting<T>(what: string, holds: (value: unknown) => boolean): Check<T> {
  return checked<T>(
    (_, value) => value as T,
    holds,
    () => `must be ${what}`,
  )
}

// Checks of a value's type.

export const expectObject = expecting<Record<string, unknown>>(
  'an object',
  (value) => typeof value === 'object' && value !== null && !Array.isArray(value),
)
export const expectArray = expecting<unknown[]>('an array', Array.isArray)
export const expectString = expecting<string>('a string', (value) => typeof value === 'string')
export const expectNumber = expecting<number>('a number', (value) => typeof value === 'number')
export const expectBoolean = expecting<boolean>('a boolean', (value) => typeof value === 'boolean')

/** Expects an array of strings, and returns a copy. */
export const expectStrings: Check<string[]> = (name, value) =>
  expectArray(name, value).map((item) => expectString(name, item))

/** Expects a whole number. `text` says which. */
export function wholeNumber(min: number, max: number, text: string): Check<number> {
  return checked(
    expectNumber,
    (value) => Number.isInteger(value) && value >= min && value <= max,
    () => `must be ${text}`,
  )
}

/** Expects one of some words. `text` lists them. */
export function oneOf<T>(words: readonly T[], text: string): Check<T> {
  return checked(
    (_, value) => value as T,
    (value) => words.includes(value),
    (value) => `must be ${text}, not '${String(value)}'`,
  )
}

/** Adds a condition to a check. `complaint` follows the name in the message. */
export function checked<T>(
  check: Check<T>,
  holds: (value: T) => boolean,
  complaint: (value: T) => string,
): Check<T> {
  return (name, given) => {
    const value = check(name, given)
    if (holds(value)) return value
    throw new TypeError(`${name} ${complaint(value)}`)
  }
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
