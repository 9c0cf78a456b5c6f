import { describe, expect, it } from 'vitest'
import { findFaults, presentResults, type Result } from './results'

const known = [{ runtime: 'Bun', adapter: 'pg', name: 'sings', reason: 'It has no voice.' }]
const results = (failure?: string): Result[] => [
  {
    runtime: { name: 'Node', version: '20.19.0' },
    group: 'pg',
    outcomes: [{ adapter: 'pg', name: 'sings' }],
  },
  {
    runtime: { name: 'Bun', version: '1.4.5' },
    group: 'pg',
    outcomes: [
      { adapter: 'pg', name: 'logs in' },
      { adapter: 'pg', name: 'sings', ...(failure === undefined ? {} : { failure }) },
    ],
  },
]

describe('results of the runtimes', () => {
  it('are at fault where a case fails that is not known to', () => {
    expect(findFaults(results('no voice'), [])).toEqual(['Bun 1.4.5: pg: sings\nno voice'])
    expect(findFaults(results('no voice'), known)).toEqual([])
  })

  it('are at fault where a known failure holds', () => {
    expect(findFaults(results(), known)).toEqual([expect.stringContaining('Bun 1.4.5: pg: sings\nholds')])
    expect(findFaults(results(), [])).toEqual([])
  })

  it('are a table', () => {
    expect(presentResults(results('no voice'), known).split('\n')).toEqual([
      '| runtime | pg |',
      '| --- | --- |',
      '| Node 20.19.0 | 1 of 1 |',
      '| Bun 1.4.5 | 1 of 2 |',
      '',
      'Known to fail:',
      '',
      '- Bun, pg: *sings*. It has no voice.',
    ])
    expect(presentResults(results(), [])).toContain('No case is known to fail.')
  })
})
