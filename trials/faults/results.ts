import { steps, ways, type Cell, type Step } from './matrix'

/** A cell, with the reason if it failed. */
export interface Result extends Cell {
  failure?: string
}

/** The results as a Markdown table: a row for each subject, a column for each step, and in each cell the failed faults. */
export function presentResults(results: Result[]): string {
  const subjects = [...new Set(results.map(({ subject }) => subject))]
  const columns = Object.entries(steps).filter(([name]) => results.some(({ step }) => step === name))
  const cell = (of: string, at: string) => {
    const here = results.filter(({ subject, step }) => subject === of && step === (at as Step))
    const failed = here.filter(({ failure }) => failure !== undefined)
    return failed.length === 0
      ? `${here.length} of ${here.length}`
      : `fails: ${failed.map(({ way }) => ways[way]).join(', ')}`
  }
  const table = [
    ['', ...columns.map(([, title]) => title)],
    ['---', ...columns.map(() => '---')],
    ...subjects.map((subject) => [subject, ...columns.map(([step]) => cell(subject, step))]),
  ]
  return table.map((cells) => `| ${cells.join(' | ')} |`).join('\n')
}
