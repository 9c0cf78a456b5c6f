const UNITS: readonly (readonly [string, number])[] = [
  ['d', 86_400_000],
  ['h', 3_600_000],
  ['min', 60_000],
  ['s', 1_000],
]

/** A duration in the largest unit that fits: `15 min`. */
export function durationText(ms: number): string {
  const [unit, size] = UNITS.find(([, length]) => Math.abs(ms) >= length) ?? ['s', 1_000]
  return `${Math.round(Math.abs(ms) / size)} ${unit}`
}

/** How far away an end is: `in 15 min`, `2 h ago`. */
export function lasting(ms: number): string {
  return ms > 0 ? `in ${durationText(ms)}` : `${durationText(ms)} ago`
}
