import { fileURLToPath } from 'node:url'
import { defineConfig } from 'vitest/config'

const source = (path: string) => fileURLToPath(new URL(`../packages/${path}`, import.meta.url))

/** The unit tier: pure code, taken from source, without a build and without a server. */
export default defineConfig({
  root: import.meta.dirname,
  resolve: {
    alias: [
      { find: /^@rds-iam\/(core|local)$/, replacement: source('$1/src/index.ts') },
      { find: /^@rds-iam\/core\/(\w+)$/, replacement: source('core/src/$1.ts') },
      { find: /^.*\/packages\/cli\/dist\/(.+)\.js$/, replacement: source('cli/src/$1.ts') },
    ],
  },
  test: {
    // scripts/mutation.mjs chooses the tests of a part.
    include: [process.env['UNIT_TESTS'] ?? '**/*.unit.test.ts'],
    testTimeout: 20_000,
    setupFiles: ['./setup.ts'],
  },
})
