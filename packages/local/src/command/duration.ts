const UNITS: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
}

/**
 * Reads a time such as `16m`, `+90s` or `-500ms` as milliseconds.
 *
 * @throws {TypeError} with the flag's name when it is none.
 */
export function parseDuration(flag: string, text: string): number {
  const [, amount, unit = ''] = /^([+-]?\d{1,12})(ms|s|m|h|d)$/.exec(text) ?? []
  if (amount === undefined) throw new TypeError(`${flag} must be a time such as 16m or -90s, not '${text}'`)
  return Number(amount) * (UNITS[unit] ?? 1)
}
