import { expect } from 'vitest'
import { testExample } from './run-example'

for (const engine of ['postgres', 'mysql'] as const)
  testExample('strapi', [engine], ({ output }) => expect(output).toBe('queried\n'), [
    '--import=tsx',
    'examples/strapi-server.ts',
    engine,
  ])
