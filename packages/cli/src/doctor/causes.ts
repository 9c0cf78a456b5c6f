import type { Cause, Finding, Suspicion } from './finding'

const ORDER = { certain: 0, likely: 1, possible: 2 } as const

/**
 * Ranks the causes that findings point at, the likeliest first; those that are equally certain in the order
 * of the checks. What is not certain counts only after a refusal.
 */
export function rankCauses(findings: readonly Finding[]): Cause[] {
  const refused = findings.some((finding) => finding.refused)
  const ranked = findings
    .flatMap(({ suspicions }) => suspicions ?? [])
    .filter(({ certainty }) => certainty === 'certain' || refused)
    .toSorted((a, b) => rank(a) - rank(b))
  const causes = new Map<string, Suspicion>()
  for (const suspicion of ranked) {
    const { code, certainty } = suspicion
    const known = causes.get(code)
    // Of two that are equally certain the later check has seen more.
    if (!known || known.certainty === certainty) causes.set(code, suspicion)
  }
  return [...causes.values()].map(({ code, why, fix }) => ({ code, why, fix }))
}

/** By a wrong clock nothing else can be judged: what has ended, or which certificate is good. */
function rank({ code, certainty }: Suspicion): number {
  return code === 'CLOCK_SKEW' && certainty === 'certain' ? -1 : ORDER[certainty]
}
