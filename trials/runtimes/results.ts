import type { KnownFailure } from './known-failures'

/** A case on a runtime, with the reason if it failed. */
export interface Outcome {
  adapter: string
  name: string
  failure?: string
}

/** The outcomes of a group of cases on a runtime. */
export interface Result {
  runtime: { name: string; version: string }
  group: string
  outcomes: Outcome[]
}

/** Finds unexpected outcomes: cases that fail, and known failures that do not. */
export function findFaults(results: Result[], known: KnownFailure[]): string[] {
  return results.flatMap(({ runtime, outcomes }) =>
    outcomes.flatMap(({ adapter, name, failure }) => {
      const isKnown = known.some(
        (one) => one.runtime === runtime.name && one.adapter === adapter && one.name === name,
      )
      if (isKnown === (failure !== undefined)) return []
      const what = `${runtime.name} ${runtime.version}: ${adapter}: ${name}`
      return isKnown ? [`${what}\npasses, but is listed as a known failure`] : [`${what}\n${failure}`]
    }),
  )
}

/** The results as Markdown: how many cases pass for each runtime and group, then the known failures. */
export function presentResults(results: Result[], known: KnownFailure[]): string {
  const groups = [...new Set(results.map(({ group }) => group))]
  const versions = [...new Set(results.map(({ runtime }) => `${runtime.name} ${runtime.version}`))]
  const cell = (version: string, group: string) => {
    const result = results.find(
      ({ runtime, ...one }) => one.group === group && `${runtime.name} ${runtime.version}` === version,
    )
    const outcomes = result?.outcomes ?? []
    return `${outcomes.filter(({ failure }) => failure === undefined).length} of ${outcomes.length}`
  }
  const table = [
    ['runtime', ...groups],
    ['---', ...groups.map(() => '---')],
    ...versions.map((version) => [version, ...groups.map((group) => cell(version, group))]),
  ]
  const failures = known.map(
    ({ runtime, adapter, name, reason }) => `- ${runtime}, ${adapter}: *${name}*. ${reason}`,
  )
  return [
    ...table.map((cells) => `| ${cells.join(' | ')} |`),
    '',
    failures.length === 0 ? 'There are no known failures.' : 'Known failures:\n',
    ...failures,
  ].join('\n')
}
