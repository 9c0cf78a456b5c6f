import { describe, expect, inject, it } from 'vitest'
import { soak } from './soak'

describe.each(['postgres', 'mysql'] as const)(
  '500 logins on %s over rotating sessions, faults and cut connections',
  (engine) => {
    it('all succeed', { timeout: 120_000 }, async () => {
      const backend = inject(engine === 'postgres' ? 'postgresUrl' : 'mysqlUrl')
      const { logins, failed, sessions, bridged, cuts } = await soak(engine, backend, 500)
      expect({ logins, failed }).toEqual({ logins: 500, failed: 0 })
      expect(sessions).toBeGreaterThan(1)
      expect(bridged).toBeGreaterThan(0)
      expect(cuts).toBeGreaterThan(0)
    })
  },
)
