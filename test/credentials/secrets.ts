import { inspect } from 'node:util'
import { expect } from 'vitest'

// Long enough not to be found by chance, short enough to find a quotation.
const PIECE = 8

/** Sees that an error shows no piece of a secret: in its message, stack and JSON, in inspect, in its causes. */
export function expectNoSecret(error: unknown, secrets: readonly string[]): void {
  const shown = everythingShown(error)
  for (const secret of secrets) {
    const quoted = pieces(secret).find((piece) => shown.includes(piece))
    expect(quoted, `a piece of a secret in ${shown}`).toBeUndefined()
  }
}

/** All that can be read from an error without looking for hidden properties. */
export function everythingShown(error: unknown): string {
  const texts = [
    inspect(error, { depth: Infinity, maxStringLength: null }),
    String(error),
    JSON.stringify(error),
  ]
  if (error instanceof Error) texts.push(error.message, error.stack ?? '', everythingShown(error.cause))
  if (error instanceof AggregateError) texts.push(...error.errors.map(everythingShown))
  return texts.join('\n')
}

function pieces(secret: string): string[] {
  // The session tokens that AWS makes begin alike, so a beginning is no secret.
  const text = secret.replace(/^IQoJb3JpZ2luX2Vj/, '')
  return Array.from({ length: Math.max(1, text.length - PIECE + 1) }, (_, start) =>
    text.slice(start, start + PIECE),
  )
}
