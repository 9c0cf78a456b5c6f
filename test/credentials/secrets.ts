import { inspect } from 'node:util'
import { expect } from 'vitest'

// Long enough not to match by chance, short enough to find a part of a secret.
const PIECE = 8

/** Expects that an error shows no part of a secret: not in its message, stack, JSON, inspect or causes. */
export function expectNoSecret(error: unknown, secrets: readonly string[]): void {
  const shown = everythingShown(error)
  for (const secret of secrets) {
    const quoted = pieces(secret).find((piece) => shown.includes(piece))
    expect(quoted, `a piece of a secret in ${shown}`).toBeUndefined()
  }
}

/** Everything that an error shows, except its non-enumerable properties. */
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
  // All AWS session tokens start in the same way, so their start is not secret.
  const text = secret.replace(/^IQoJb3JpZ2luX2Vj/, '')
  return Array.from({ length: Math.max(1, text.length - PIECE + 1) }, (_, start) =>
    text.slice(start, start + PIECE),
  )
}
