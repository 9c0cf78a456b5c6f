// What actionlint, which `npm test` runs, says nothing about.
import { readdirSync, readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'

const folder = new URL('../../.github/workflows/', import.meta.url)

describe.each(readdirSync(folder))('%s', (file) => {
  const text = readFileSync(new URL(file, folder), 'utf8')
  const jobs = text
    .slice(text.indexOf('\njobs:\n'))
    .split(/^(?= {2}[\w-]+:$)/m)
    .slice(1)

  test('runs actions by the hash of a commit, with the version that it is', () => {
    for (const [, action] of text.matchAll(/\buses: (.*)/g))
      expect(action).toMatch(/^\.\/|^[\w-]+\/[\w-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$/)
  })

  test('gives each job its own permissions, and an end', () => {
    expect(text).toMatch(/^permissions: \{\}$/m)
    expect(jobs.length).toBeGreaterThan(0)
    for (const job of jobs) {
      expect(job).toMatch(/^ {4}permissions:$/m)
      // A workflow that is called has its own.
      if (!job.includes('uses: ./')) expect(job).toMatch(/^ {4}timeout-minutes: \d+$/m)
    }
  })

  test('identifies itself where nothing of ours runs', () => {
    for (const job of jobs.filter((one) => one.includes('id-token: write')))
      expect(job).not.toMatch(/actions\/checkout|npm (ci|install|run|test|exec)|npx /)
  })
})
