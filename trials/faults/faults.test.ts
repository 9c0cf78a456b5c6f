import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import { knownFailure, titleOf, type Step } from './matrix'
import { bundleCase, startStage, type Stage } from './play'
import type { Way } from './relay'
import { subjects } from './subjects'

// A part of the matrix. npm run faults runs all of it.
const chosen: [Step, Way][] = [
  ['greeted', 'close'],
  ['handshake', 'reset'],
  ['awaited', 'close'],
  ['awaited', 'reset'],
  ['awaited', 'corruption'],
  ['asked', 'garbage'],
  ['asked', 'bytewise'],
  ['queried', 'close'],
]

let stage: Stage
beforeAll(async () => {
  const backends = { postgres: inject('postgresUrl'), mysql: inject('mysqlUrl') }
  stage = await startStage(await bundleCase(), backends)
})
afterAll(() => stage.close())

for (const subject of Object.keys(subjects)) {
  describe(subject, () => {
    for (const [step, way] of chosen) {
      const cell = { subject, step, way }
      it(`settles, logs in again and exits after a fault: ${titleOf(cell)}`, async () => {
        const known = knownFailure(cell)
        const failure = await stage.play(cell)
        if (known === undefined) expect(failure).toBeUndefined()
        else expect(failure).toContain(known)
      }, 60_000)
    }
  })
}
