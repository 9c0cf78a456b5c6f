import type { Cause, Certainty, Finding } from './finding'

const ORDER: Readonly<Record<Certainty, number>> = { certain: 0, likely: 1, possible: 2 }

/**
 * Ranks the causes that findings point at, the likeliest first; those that are equally certain in the order
 * of the checks. What is not certain counts only after a refusal.
 */
export function rankCauses(findings: readonly Finding[]): Cause[] {
  const refused = findings.some((finding) => finding.refused)
  const ranked = findings
    .flatMap(({ suspicions }) => suspicions ?? [])
    .filter(({ certainty }) => certainty === 'certain' || refused)
    .toSorted((a, b) => ORDER[a.certainty] - ORDER[b.certainty])
  const first = new Map<string, Cause>()
  for (const { code, why, fix } of ranked) if (!first.has(code)) first.set(code, { code, why, fix })
  return [...first.values()]
}
