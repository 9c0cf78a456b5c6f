import { describe, inject, it } from 'vitest'
import type { Adapter } from './adapter'
import { contract } from './cases'
import { play } from './scene'

/** Runs all cases of the contract with an adapter. */
export function testAdapter(name: string, adapter: Adapter): void {
  describe(name, () => {
    for (const [promise, run] of Object.entries(contract)) {
      it(promise, () => play(run, adapter, inject('endpointService')))
    }
  })
}
