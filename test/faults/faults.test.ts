import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import { titleOf, type Step } from './matrix'
import { buildCase, startStage, type Stage } from './play'
import type { Way } from './relay'
import { subjects } from './subjects'

// A part of the matrix: npm run faults plays all of it.
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
  await buildCase()
  stage = await startStage({ postgres: inject('postgresUrl'), mysql: inject('mysqlUrl') })
})
afterAll(() => stage.close())

describe.each(Object.keys(subjects))('%s lives on, settles and exits after a fault', (subject) => {
  it.each(chosen.map(([step, way]) => ({ step, way, title: titleOf({ subject, step, way }) })))(
    '$title',
    async ({ step, way }) => {
      expect(await stage.play({ subject, step, way })).toBeUndefined()
    },
    60_000,
  )
})
