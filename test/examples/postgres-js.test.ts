import { expect } from 'vitest'
import { testExample } from './run-example'

// The contract of postgres.js is in test/contract/postgres.test.ts.
testExample('postgres-js', ['postgres'], ({ output, logins }) => {
  expect(output).toContain('total: 5')
  expect(output).toContain('tea')
  expect(logins.postgres).toHaveLength(3)
})
