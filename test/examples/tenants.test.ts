import { expect } from 'vitest'
import { testExample } from './run-example'

testExample('tenants', ['postgres'], ({ logins }) => {
  const users = logins.postgres.map(({ user }) => user)
  expect(users.toSorted()).toEqual(['tenant_a', 'tenant_b', 'tenant_c'])
})
