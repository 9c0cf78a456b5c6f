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

describe('findFaults', () => {
  it('returns a case that fails and is not known to fail', () => {
    expect(findFaults(results('no voice'), [])).toEqual(['Bun 1.4.5: pg: sings\nno voice'])
    expect(findFaults(results('no voice'), known)).toEqual([])
  })

  it('returns a known failure that passes', () => {
    expect(findFaults(results(), known)).toEqual([expect.stringContaining('Bun 1.4.5: pg: sings\npasses')])
    expect(findFaults(results(), [])).toEqual([])
  })
})

describe('presentResults', () => {
  it('returns a table and the known failures', () => {
    expect(presentResults(results('no voice'), known).split('\n')).toEqual([
      '| runtime | pg |',
      '| --- | --- |',
      '| Node 20.19.0 | 1 of 1 |',
      '| Bun 1.4.5 | 1 of 2 |',
      '',
      'Known failures:',
      '',
      '- Bun, pg: *sings*. It has no voice.',
    ])
    expect(presentResults(results(), [])).toContain('There are no known failures.')
  })
})
